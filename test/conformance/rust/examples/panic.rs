use attache_conformance::{say, Streams};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Streams(|_| Box::new(Panicking))));
}}

struct Panicking;

impl Context for Panicking {}

impl HttpContext for Panicking {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        if let Some(text) = self.get_http_request_header("x-number") {
            say(format!("number {}", text.parse::<u32>().unwrap()));
        }
        Action::Continue
    }
}
