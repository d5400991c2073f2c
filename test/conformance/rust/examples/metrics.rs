use attache_conformance::say;
use proxy_wasm::hostcalls::{define_metric, get_metric, increment_metric, record_metric};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, MetricType};

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

struct Root;

impl Context for Root {}

impl RootContext for Root {
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Counting))
    }
}

struct Counting;

impl Context for Counting {}

impl HttpContext for Counting {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let counter = define_metric(MetricType::Counter, "rust_counter").unwrap();
        let gauge = define_metric(MetricType::Gauge, "rust_gauge").unwrap();
        let histogram = define_metric(MetricType::Histogram, "rust_histogram").unwrap();
        say(format!("{:?}", increment_metric(counter, 3)));
        say(format!("{:?}", record_metric(gauge, 10)));
        say(format!("{:?}", increment_metric(gauge, -4)));
        say(format!("{:?}", record_metric(histogram, 7)));
        say(format!("{:?} {:?}", get_metric(counter), get_metric(gauge)));
        say(format!("{:?}", increment_metric(999_999, 1)));
        Action::Continue
    }
}
