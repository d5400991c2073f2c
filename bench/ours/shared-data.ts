import { FilterHeaders, HttpFilter, Plugin, registerPlugin, RequestHeaders, SharedNumber } from "@attache/sdk";
export * from "@attache/sdk/proxy";

class Main extends Plugin {
  count: SharedNumber = new SharedNumber("count");
  override createFilter(): HttpFilter {
    return new Filter(this);
  }
}
class Filter extends HttpFilter {
  constructor(private plugin: Main) {
    super();
  }
  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    this.plugin.count.add(1);
    return FilterHeaders.Continue;
  }
}
registerPlugin(() => new Main());
