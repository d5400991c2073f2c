//! What the guests have in common: a root context that only makes streams, and a line for the log.

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};

/// Makes an HTTP context for each stream.
pub struct Streams(pub fn(u32) -> Box<dyn HttpContext>);

impl Context for Streams {}

impl RootContext for Streams {
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some((self.0)(context_id))
    }
}

pub fn say(line: impl AsRef<str>) {
    proxy_wasm::hostcalls::log(LogLevel::Info, line.as_ref()).unwrap();
}
