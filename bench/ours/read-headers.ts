import { FilterHeaders, HttpFilter, LocalReply, Plugin, registerPlugin, RequestHeaders } from "@attache/sdk";
export * from "@attache/sdk/proxy";

class Main extends Plugin {
  override createFilter(): HttpFilter {
    return new Filter();
  }
}
class Filter extends HttpFilter {
  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const matches =
      has(headers, "x-h0") &&
      has(headers, "x-h1") &&
      has(headers, "x-h2") &&
      has(headers, "x-h3") &&
      has(headers, "x-h4") &&
      has(headers, "x-h5") &&
      has(headers, "x-h6") &&
      has(headers, "x-h7") &&
      has(headers, "x-h8") &&
      has(headers, "x-h9");
    if (matches) return FilterHeaders.Continue;
    new LocalReply(403).send();
    return FilterHeaders.StopIteration;
  }
}
function has(headers: RequestHeaders, name: string): bool {
  const value = headers.getBytes(name);
  return value !== null && value.startsWith("value-");
}
registerPlugin(() => new Main());
