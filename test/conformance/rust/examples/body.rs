use attache_conformance::{say, Streams};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Streams(|_| Box::new(Body))));
}}

struct Body;

impl Context for Body {}

impl HttpContext for Body {
    fn on_http_request_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        self.set_http_request_header("content-length", None);
        if end_of_stream { Action::Continue } else { Action::Pause }
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        say(format!("request body {size}, end {end_of_stream}"));
        if !end_of_stream {
            return Action::Pause;
        }
        let body = self.get_http_request_body(0, size).unwrap_or_default();
        say(String::from_utf8_lossy(&body));
        self.set_http_request_body(0, size, b"a new request body");
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.set_http_response_header("content-length", None);
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        say(format!("response body {size}, end {end_of_stream}"));
        say(format!("{:?}", self.get_http_response_body(1, 3)));
        say(format!("{:?}", self.get_http_response_body(999, 3)));
        if size > 0 {
            self.set_http_response_body(0, 0, b"<");
            self.set_http_response_body(999, 0, b">");
        }
        Action::Continue
    }
}
