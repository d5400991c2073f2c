import { Counter, FilterHeaders, HttpFilter, Plugin, registerPlugin, RequestHeaders } from "@attache/sdk";
export * from "@attache/sdk/proxy";

const requests = new Counter("bench_requests");

class Main extends Plugin {
  override createFilter(): HttpFilter {
    return new Filter();
  }
}
class Filter extends HttpFilter {
  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    requests.increment();
    return FilterHeaders.Continue;
  }
}
registerPlugin(() => new Main());
