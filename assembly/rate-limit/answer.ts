import { ConfigReader, LocalReply } from "@attache/sdk";
import { exactlyOne } from "./exactly-one";

/** What the filter answers to a request over a limit. */
@final
export class Answer {
  private readonly status: i32;
  private readonly statusOnError: i32;
  private readonly grpcStatus: i32;
  private readonly body: string;
  /** `""` leaves it to the proxy, which says `text/plain`. */
  private readonly contentType: string;
  private readonly isProblem: bool;

  constructor(config: ConfigReader) {
    this.status = <i32>config.integer("status", 429, 400, 599);
    this.statusOnError = <i32>config.integer("statusOnError", 500, 400, 599);
    // RESOURCE_EXHAUSTED
    this.grpcStatus = <i32>config.integer("grpcStatus", 8, 1, 16);
    const body = config.object("body");
    const hasText = body.has("text");
    const hasJson = body.has("json");
    const isProblem = body.bool("problem", false);
    this.isProblem = isProblem;
    this.body = hasJson ? body.string("json", "") : body.string("text", "rate limit exceeded");
    this.contentType = hasJson ? "application/json" : isProblem ? "application/problem+json" : "";
    if (body.isPresent) exactlyOne(body, <i32>hasText + <i32>hasJson + <i32>isProblem, "text, json and problem");
  }

  /**
   * @param limit the name of the limit that rejects, which needs no escapes in JSON
   * @param body instead of the own one, when there is one
   */
  reply(limit: string, isError: bool, body: string): LocalReply {
    const reply = new LocalReply(isError ? this.statusOnError : this.status).grpcStatus(this.grpcStatus);
    const isOwn = body.length == 0;
    if (isOwn && this.contentType.length > 0) reply.header("content-type", this.contentType);
    return reply
      .text(!isOwn ? body : this.isProblem ? problem(limit) : this.body)
      .details(isError ? "rate_limit_error" : "rate_limited");
  }
}

/** RFC 9457, with the type and the member that draft-ietf-httpapi-ratelimit-headers-11 defines. */
function problem(limit: string): string {
  return (
    '{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","violated-policies":["' + limit + '"]}'
  );
}
