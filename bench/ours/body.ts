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
  Text,
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
    body.replaceBytes(text.view);
    return FilterData.Continue;
  }
}
const text = new Text("r".repeat(1024));
registerPlugin(() => new Main());
