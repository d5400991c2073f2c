import { FilterHeaders, HttpFilter, Plugin, registerPlugin, ResponseHeaders } from "@attache/sdk";
export * from "@attache/sdk/proxy";

class Main extends Plugin {
  override createFilter(): HttpFilter {
    return new Filter();
  }
}
class Filter extends HttpFilter {
  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    headers.append("x-bench", "hello");
    return FilterHeaders.Continue;
  }
}
registerPlugin(() => new Main());
