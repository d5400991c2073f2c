use attache_conformance::{say, Streams};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::time::Duration;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Streams(|_| Box::new(Callout))));
}}

struct Callout;

impl Callout {
    fn call(&self, cluster: &str) -> bool {
        let headers = vec![(":method", "POST"), (":path", "/check"), (":authority", "authz"), ("x-a", "1")];
        let sent = self.dispatch_http_call(cluster, headers, Some(b"question"), vec![], Duration::from_millis(300));
        say(format!("{cluster}: {sent:?}"));
        sent.is_ok()
    }
}

impl Context for Callout {
    fn on_http_call_response(&mut self, token: u32, headers: usize, size: usize, trailers: usize) {
        say(format!("answer to {token}: {headers} headers, {size} bytes, {trailers} trailers"));
        say(format!("{:?}", self.get_http_call_response_header(":status")));
        let body = self.get_http_call_response_body(0, size).unwrap_or_default();
        say(String::from_utf8_lossy(&body));
        if self.get_http_call_response_header(":status").as_deref() == Some("200") {
            self.set_http_request_header("x-user", Some("ada"));
            self.resume_http_request();
        } else {
            self.send_http_response(401, vec![], Some(b"who are you?"));
        }
    }
}

impl HttpContext for Callout {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        self.call("no such cluster");
        let cluster = self.get_http_request_header("x-ask").unwrap_or("authz".to_string());
        if self.call(&cluster) { Action::Pause } else { Action::Continue }
    }
}
