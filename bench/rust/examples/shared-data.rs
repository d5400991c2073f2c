use attache_bench::guest;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

guest!(Filter);

struct Filter;
impl Context for Filter {}
impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        for _ in 0..100 {
            let (value, cas) = self.get_shared_data("count");
            let count = value.map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
            if self.set_shared_data("count", Some(&(count + 1).to_le_bytes()), cas).is_ok() {
                break;
            }
        }
        Action::Continue
    }
}
