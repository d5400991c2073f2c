import { FilterHeaders, HttpFilter, Plugin, registerPlugin, ResponseHeaders } from "@attache/sdk";
export * from "@attache/sdk/proxy";

class Hello extends Plugin {
  override createFilter(): HttpFilter {
    return new HelloHeaders();
  }
}

class HelloHeaders extends HttpFilter {
  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    headers.set("x-hello", "world");
    return FilterHeaders.Continue;
  }
}

registerPlugin(() => new Hello());
