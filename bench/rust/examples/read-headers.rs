use attache_bench::guest;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

guest!(Filter);

struct Filter;
impl Context for Filter {}
impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        const NAMES: [&str; 10] = ["x-h0", "x-h1", "x-h2", "x-h3", "x-h4", "x-h5", "x-h6", "x-h7", "x-h8", "x-h9"];
        for name in NAMES {
            match self.get_http_request_header(name) {
                Some(value) if value.starts_with("value-") => {}
                _ => {
                    self.send_http_response(403, vec![], None);
                    return Action::Pause;
                }
            }
        }
        Action::Continue
    }
}
