use attache_bench::guest;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

guest!(Filter);

struct Filter;
impl Context for Filter {}
impl HttpContext for Filter {
    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.add_http_response_header("x-bench", "hello");
        Action::Continue
    }
}
