//! What the guests in `examples/` have in common; each is a module of its own.

/// Makes `$filter` the context of each HTTP stream.
#[macro_export]
macro_rules! guest {
    ($filter:ident) => {
        proxy_wasm::main! {{
            proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Warn);
            proxy_wasm::set_root_context(|_| Box::new(Root));
        }}

        struct Root;
        impl proxy_wasm::traits::Context for Root {}
        impl proxy_wasm::traits::RootContext for Root {
            fn get_type(&self) -> Option<proxy_wasm::types::ContextType> {
                Some(proxy_wasm::types::ContextType::HttpContext)
            }
            fn create_http_context(&self, _: u32) -> Option<Box<dyn proxy_wasm::traits::HttpContext>> {
                Some(Box::new($filter))
            }
        }
    };
}
