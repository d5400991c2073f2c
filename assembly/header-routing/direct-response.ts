import { ConfigReader, FilterHeaders, LocalReply } from "@attache/sdk";

/** Istio's `HTTPDirectResponse`: a fixed answer from the proxy. */
export class DirectResponse {
  private readonly status: i32;
  private readonly body: string;

  constructor(config: ConfigReader) {
    this.status = <i32>config.required("status").asInteger(200, 599);
    this.body = config.object("body").string("string", "");
    if (this.body.length > 0 && (this.status == 204 || this.status == 304)) {
      config.get("body").error("a response with status " + this.status.toString() + " has no body");
    }
  }

  answer(): FilterHeaders {
    return new LocalReply(this.status).text(this.body).details("header_routing_direct_response").send();
  }
}
