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

use std::cell::Cell;
thread_local! { static METRIC: Cell<u32> = const { Cell::new(0) }; }
struct Filter;
impl Context for Filter {}
impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        METRIC.with(|metric| {
            if metric.get() == 0 {
                let counter = proxy_wasm::types::MetricType::Counter;
                metric.set(proxy_wasm::hostcalls::define_metric(counter, "bench_requests").unwrap());
            }
            proxy_wasm::hostcalls::increment_metric(metric.get(), 1).unwrap();
        });
        Action::Continue
    }
}
