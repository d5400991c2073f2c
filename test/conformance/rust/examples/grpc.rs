use attache_conformance::{say, Streams};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::time::Duration;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Streams(|_| Box::new(Grpc))));
}}

struct Grpc;

impl Context for Grpc {
    fn on_grpc_call_response(&mut self, token: u32, status: u32, size: usize) {
        say(format!("answer to {token}: status {status}, {size} bytes"));
        say(format!("{:?}", self.get_grpc_call_response_body(0, size)));
        say(format!("{:?}", self.get_grpc_status().1));
        self.resume_http_request();
    }

    fn on_grpc_stream_initial_metadata(&mut self, token: u32, count: u32) {
        say(format!("initial metadata of {token}: {count}"));
        say(format!("{:?}", self.get_grpc_stream_initial_metadata_value("x-begin")));
    }

    fn on_grpc_stream_message(&mut self, token: u32, size: usize) {
        say(format!("message of {token}: {:?}", self.get_grpc_stream_message(0, size)));
    }

    fn on_grpc_stream_trailing_metadata(&mut self, token: u32, count: u32) {
        say(format!("trailing metadata of {token}: {count}"));
        say(format!("{:?}", self.get_grpc_stream_trailing_metadata_value("x-end")));
    }

    fn on_grpc_stream_close(&mut self, token: u32, status: u32) {
        say(format!("{token} closed with {status}: {:?}", self.get_grpc_status().1));
        self.resume_http_request();
    }
}

impl HttpContext for Grpc {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let metadata = vec![("x-from", b"guest" as &[u8])];
        if self.get_http_request_header("x-stream").is_none() {
            let timeout = Duration::from_millis(500);
            let sent = self.dispatch_grpc_call("grpc", "a.B", "Ask", metadata, Some(b"\x0a\x01q"), timeout);
            say(format!("{sent:?}"));
            return Action::Pause;
        }
        let stream = self.open_grpc_stream("grpc", "a.B", "Talk", metadata);
        say(format!("{stream:?}"));
        if let Ok(token) = stream {
            self.send_grpc_stream_message(token, Some(b"one"), false);
            self.send_grpc_stream_message(token, Some(b"two"), true);
        }
        Action::Pause
    }
}
