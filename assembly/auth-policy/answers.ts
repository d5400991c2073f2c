import { ConfigReader, isHeaderValue, JsonDocument, LocalReply, ByteView } from "@attache/sdk";
import { isSettable } from "./external/header-changes";
import { lowerCase } from "./lower-case";

/** How requests are answered that do not pass: as Istio does, where the configuration says nothing else. */
@final
export class Answers {
  private readonly status: i32;
  /** -1 leaves it to the proxy, which makes it of the status. */
  private readonly grpcStatus: i32;
  /** Names and values in turn. */
  private readonly headers: string[] = [];
  /** Of the header that tells what denied the request; empty for none. */
  private readonly deniedByHeader: string;
  /** Instead of Istio's texts; `null` for these. */
  private readonly body: string | null;
  private readonly isProblem: bool;

  constructor(config: ConfigReader) {
    this.status = <i32>config.integer("status", 403, 400, 599);
    this.grpcStatus = <i32>config.integer("grpcStatus", -1, 1, 16);
    const deniedByHeader = config.string("deniedByHeader", "");
    this.deniedByHeader = deniedByHeader;
    if (deniedByHeader.length > 0) checkName(config.get("deniedByHeader"), deniedByHeader);
    const body = config.object("body");
    const isProblem = body.bool("problem", false);
    this.isProblem = isProblem;
    const isJson = body.has("json");
    const isText = body.has("text");
    if (body.isPresent && <i32>isText + <i32>isJson + <i32>isProblem != 1) {
      body.error("exactly one of text, json and problem must be given");
    }
    this.body = isJson ? readJson(body) : isText ? body.string("text", "") : null;
    const headers = config.object("headers");
    for (let index = 0; index < headers.length; index++) {
      const header = headers.at(index);
      const value = header.asString();
      checkName(header, header.key);
      if (!isHeaderValue(value)) header.error("must not hold line breaks");
      this.add(header.key, value);
      const isType = lowerCase(header.key) == "content-type";
      if (isType && (isJson || isProblem)) header.error("is given by the body: json and problem have one");
    }
    if (isJson) this.add("content-type", "application/json");
    else if (isProblem) this.add("content-type", "application/problem+json");
  }

  /** To a request that policies deny. */
  toDenied(by: string): LocalReply {
    return this.toRefused(this.status, "RBAC: access denied", by).grpcStatus(this.grpcStatus);
  }

  /**
   * To a request that cannot be decided about.
   *
   * @param text needs no escapes in JSON
   * @param by what denied it
   */
  toRefused(status: i32, text: string, by: string): LocalReply {
    const reply = new LocalReply(status);
    const headers = this.headers;
    for (let index = 0; index < headers.length; index += 2) reply.header(headers[index], headers[index + 1]);
    if (this.deniedByHeader.length > 0) reply.header(this.deniedByHeader, by);
    const body = this.body;
    if (body !== null) return reply.text(body);
    // RFC 9457; without a type, the status says what kind of problem it is.
    return reply.text(this.isProblem ? '{"status":' + status.toString() + ',"detail":"' + text + '"}' : text);
  }

  private add(name: string, value: string): void {
    this.headers.push(name);
    this.headers.push(value);
  }
}

function checkName(config: ConfigReader, name: string): void {
  if (!isSettable(name)) config.error("is no header that can be sent");
}

function readJson(body: ConfigReader): string {
  const text = body.string("json", "");
  const bytes = ByteView.ofText(text);
  const document = new JsonDocument();
  if (!document.parse(bytes.start, bytes.length)) body.get("json").error(document.error!);
  return text;
}
