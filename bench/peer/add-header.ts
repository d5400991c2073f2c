export * from "@gcoredev/proxy-wasm-sdk-as/assembly/proxy";
import {
  Context,
  FilterHeadersStatusValues,
  registerRootContext,
  RootContext,
  stream_context,
} from "@gcoredev/proxy-wasm-sdk-as/assembly";

class Root extends RootContext {
  createContext(id: u32): Context {
    return new AddHeader(id, this);
  }
}
class AddHeader extends Context {
  onResponseHeaders(count: u32, endOfStream: bool): FilterHeadersStatusValues {
    stream_context.headers.response.add("x-bench", "hello");
    return FilterHeadersStatusValues.Continue;
  }
}
registerRootContext((id: u32) => new Root(id), "bench");
