use attache_bench::guest;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::cell::Cell;

thread_local! { static METRIC: Cell<u32> = const { Cell::new(0) }; }

guest!(Filter);

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
