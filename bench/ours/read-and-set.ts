import { FilterHeaders, HttpFilter, Plugin, registerPlugin, RequestHeaders, ResponseHeaders } from "@attache/sdk";
export * from "@attache/sdk/proxy";

class Main extends Plugin {
  override createFilter(): HttpFilter {
    return new Filter();
  }
}
class Filter extends HttpFilter {
  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    if (headers.count > 0) headers.set("x-route-subset", "service-1");
    return FilterHeaders.Continue;
  }
  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    return FilterHeaders.Continue;
  }
}
registerPlugin(() => new Main());
