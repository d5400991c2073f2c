import { ConfigReader, decimal, FilterHeaders, LocalReply } from "@attache/sdk";

/** Istio's `HTTPDirectResponse`: a fixed answer from the proxy. */
@final
export class DirectResponse {
  private readonly status: i32;
  private readonly body: string;

  constructor(config: ConfigReader) {
    this.status = <i32>config.required("status").asInteger(200, 599);
    const body = config.object("body");
    this.body = body.string("string", "");
    if (body.has("bytes")) body.get("bytes").error("is not supported: use string");
    if (this.body.length > 0 && (this.status == 204 || this.status == 304)) {
      body.error("a response with status " + decimal(this.status) + " has no body");
    }
  }

  answer(): FilterHeaders {
    return new LocalReply(this.status).text(this.body).details("header_routing_direct_response").send();
  }
}
