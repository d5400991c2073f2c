use attache_bench::guest;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

guest!(Filter);

struct Filter;
impl Context for Filter {}
impl HttpContext for Filter {
    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.set_http_response_header("content-length", None);
        Action::Continue
    }
    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if !end_of_stream {
            return Action::Pause;
        }
        self.set_http_response_body(0, size, &[0x72; 1024]);
        Action::Continue
    }
}
