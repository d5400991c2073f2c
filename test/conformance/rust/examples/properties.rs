use attache_conformance::{say, Streams};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Streams(|_| Box::new(Properties))));
}}

struct Properties;

impl Properties {
    fn show(&self, path: &[&str]) {
        let value = self.get_property(path.to_vec());
        say(format!("{}={:?}", path.join("."), value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())));
    }

    fn show_all(&self) {
        self.show(&["request", "path"]);
        self.show(&["request", "headers", "x-a"]);
        self.show(&["request", "size"]);
        self.show(&["response", "code"]);
        self.show(&["response", "flags"]);
        self.show(&["xds", "cluster_name"]);
        self.show(&["plugin_name"]);
        self.show(&["no", "such"]);
        self.show(&["mine"]);
    }
}

impl Context for Properties {}

impl HttpContext for Properties {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        self.show_all();
        self.set_property(vec!["mine"], Some(b"value"));
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.show_all();
        Action::Continue
    }

    fn on_log(&mut self) {
        self.show_all();
    }
}
