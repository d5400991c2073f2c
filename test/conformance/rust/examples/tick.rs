use attache_conformance::say;
use proxy_wasm::hostcalls::{resume_http_request, set_effective_context, set_tick_period};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Clock { waiting: Rc::default(), ticks: 0 }));
}}

struct Clock {
    waiting: Rc<Cell<u32>>,
    ticks: u32,
}

impl Context for Clock {}

impl RootContext for Clock {
    fn on_tick(&mut self) {
        self.ticks += 1;
        say(format!("tick {}", self.ticks));
        if self.ticks == 3 {
            self.set_tick_period(Duration::ZERO);
            set_effective_context(self.waiting.get()).unwrap();
            resume_http_request().unwrap();
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Waiting { context_id, waiting: self.waiting.clone() }))
    }
}

struct Waiting {
    context_id: u32,
    waiting: Rc<Cell<u32>>,
}

impl Context for Waiting {}

impl HttpContext for Waiting {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        self.waiting.set(self.context_id);
        set_tick_period(Duration::from_millis(5)).unwrap();
        Action::Pause
    }
}
