//! The guests are in `examples/`, one module each.
