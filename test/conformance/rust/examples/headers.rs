use attache_conformance::{say, Streams};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Streams(|_| Box::new(Headers))));
}}

struct Headers;

impl Context for Headers {}

impl HttpContext for Headers {
    fn on_http_request_headers(&mut self, count: usize, end_of_stream: bool) -> Action {
        say(format!("{count} request headers, end {end_of_stream}"));
        for (name, value) in self.get_http_request_headers() {
            if name != "x-request-id" {
                say(format!("{name}: {value}"));
            }
        }
        say(format!("{:?}", self.get_http_request_header(":path")));
        say(format!("{:?}", self.get_http_request_header("absent")));
        say(format!("{:?}", self.get_http_request_header_bytes("x-raw")));
        self.set_http_request_header("x-set", Some("1"));
        self.add_http_request_header("x-set", "2");
        self.set_http_request_header("x-removed", None);
        self.set_http_request_header(":path", Some("/rewritten"));
        if self.get_http_request_header("x-deny").is_some() {
            self.send_http_response(403, vec![("x-why", "denied")], Some(b"no"));
            return Action::Pause;
        }
        Action::Continue
    }

    fn on_http_request_trailers(&mut self, count: usize) -> Action {
        say(format!("{count} request trailers: {:?}", self.get_http_request_trailers()));
        self.add_http_request_trailer("x-added", "t");
        Action::Continue
    }

    fn on_http_response_headers(&mut self, count: usize, end_of_stream: bool) -> Action {
        say(format!("{count} response headers, end {end_of_stream}"));
        say(format!("{:?}", self.get_http_response_header(":status")));
        let all = self.get_http_response_headers();
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        say(names.join(","));
        self.set_http_response_headers(vec![(":status", "201"), ("x-only", "this")]);
        Action::Continue
    }

    fn on_http_response_trailers(&mut self, count: usize) -> Action {
        say(format!("{count} response trailers: {:?}", self.get_http_response_trailers()));
        self.set_http_response_trailer("x-up-trailer", Some("changed"));
        Action::Continue
    }

    fn on_log(&mut self) {
        say(format!("log {:?}", self.get_http_request_header(":path")));
        say(format!("log {:?}", self.get_http_response_header("x-only")));
    }
}
