import {
  Body,
  BodyAccess,
  FilterData,
  FilterHeaders,
  HttpFilter,
  OverLimit,
  Plugin,
  registerPlugin,
  ResponseHeaders,
} from "@attache/sdk";
export * from "@attache/sdk/proxy";

class Main extends Plugin {
  override createFilter(): HttpFilter {
    return new Filter();
  }
}
class Filter extends HttpFilter {
  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    return headers.collectBody(endOfStream, 65536, OverLimit.Reject, BodyAccess.Change);
  }
  override onWholeResponseBody(body: Body): FilterData {
    body.replace(text);
    return FilterData.Continue;
  }
}
const text = "r".repeat(1024);
registerPlugin(() => new Main());
