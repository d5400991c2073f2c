use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Warn);
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

struct Root;
impl Context for Root {}
impl RootContext for Root {
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Filter))
    }
}

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
