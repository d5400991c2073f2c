use attache_bench::guest;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

guest!(Filter);

struct Filter;
impl Context for Filter {}
impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let found = self.get_property(vec!["request", "path"]).is_some()
            && self.get_property(vec!["source", "address"]).is_some()
            && self.get_property(vec!["request", "protocol"]).is_some();
        if !found {
            self.set_http_request_header("x-missing", Some("1"));
        }
        Action::Continue
    }
}
