use attache_conformance::say;
use proxy_wasm::hostcalls::register_shared_queue;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Owner));
}}

struct Owner;

impl Context for Owner {}

impl RootContext for Owner {
    fn on_queue_ready(&mut self, queue: u32) {
        while let Ok(Some(job)) = self.dequeue_shared_queue(queue) {
            say(format!("job {}", String::from_utf8_lossy(&job)));
        }
        say("queue empty");
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Sender))
    }
}

struct Sender;

impl Context for Sender {}

impl HttpContext for Sender {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        say(format!("{:?}", self.resolve_shared_queue("", "jobs").is_some()));
        // Here and not when the plugin is configured: that happens on every thread, and the last one would be told.
        let queue = register_shared_queue("jobs").unwrap();
        say(format!("{}", self.resolve_shared_queue("", "jobs") == Some(queue)));
        say(format!("{:?}", self.enqueue_shared_queue(queue, Some(b"one"))));
        say(format!("{:?}", self.enqueue_shared_queue(queue, None)));
        say(format!("{:?}", self.enqueue_shared_queue(999_999, Some(b"lost"))));
        say(format!("{:?}", self.dequeue_shared_queue(999_999)));
        Action::Continue
    }
}
