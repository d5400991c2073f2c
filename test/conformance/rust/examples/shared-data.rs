use attache_conformance::{say, Streams};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Streams(|_| Box::new(SharedData))));
}}

struct SharedData;

impl Context for SharedData {}

impl HttpContext for SharedData {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let (before, version) = self.get_shared_data("hits");
        say(format!("{before:?} {}", version.is_some()));
        let hits = before.map_or(0, |bytes| bytes[0]) + 1;
        say(format!("{:?}", self.set_shared_data("hits", Some(&[hits]), version)));
        say(format!("{:?}", self.set_shared_data("hits", Some(b"stale"), Some(version.unwrap_or(0) + 1000))));
        say(format!("{:?}", self.set_shared_data("empty", None, None)));
        say(format!("{:?}", self.get_shared_data("empty").0));
        say(format!("{:?}", self.set_shared_data("", Some(b"no key"), Some(77))));
        say(format!("{:?}", self.get_shared_data("").0));
        Action::Continue
    }
}
