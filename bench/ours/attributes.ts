import { FilterHeaders, getPropertyAt, HttpFilter, Plugin, registerPlugin, RequestHeaders } from "@attache/sdk";
export * from "@attache/sdk/proxy";

class Main extends Plugin {
  override createFilter(): HttpFilter {
    return new Filter();
  }
}
class Filter extends HttpFilter {
  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const found =
      getPropertyAt("request\0path") !== null &&
      getPropertyAt("source\0address") !== null &&
      getPropertyAt("request\0protocol") !== null;
    if (!found) headers.set("x-missing", "1");
    return FilterHeaders.Continue;
  }
}
registerPlugin(() => new Main());
