import {
  CalloutOutcome,
  CalloutRefusal,
  CalloutRequest,
  CalloutResponse,
  ConfigReader,
  HttpCallout,
} from "@attache/sdk";
import { CheckedStream } from "../checked-stream";
import { lowerCase } from "../lower-case";
import { stringRule, TextMatch } from "../text-match";
import { Authorizer } from "./authorizer";
import { isSettable } from "./header-changes";
import { JoinedHeaders } from "./joined-headers";
import { Verdict } from "./verdict";

const PARTIAL_BODY: string = "x-envoy-auth-partial-body";

/** Bytes of the longest answer to a denied request that is handed on. */
export const MOST_BODY: i32 = 65_536;

/** A service that gets the request itself, without its body as a rule, and says yes by the status 200. */
@final
export class HttpAuthorizer extends Authorizer {
  private readonly pathPrefix: string;
  private readonly included: TextMatch[];
  private readonly additional: string[] = [];
  private readonly toUpstream: TextMatch[];
  private readonly onDeny: TextMatch[];
  private readonly onAllow: TextMatch[];

  constructor(name: string, config: ConfigReader) {
    super(name, config);
    const pathPrefix = config.string("pathPrefix", "");
    this.pathPrefix = pathPrefix;
    if (pathPrefix.length > 0 && !pathPrefix.startsWith("/")) config.get("pathPrefix").error("must begin with /");
    const included = readNames(config.array("includeRequestHeadersInCheck"));
    included.push(stringRule("authorization"));
    this.included = included.concat(readNames(config.array("includeHeadersInCheck")));
    this.toUpstream = readNames(config.array("headersToUpstreamOnAllow"));
    this.onDeny = readNames(config.array("headersToDownstreamOnDeny"));
    this.onAllow = readNames(config.array("headersToDownstreamOnAllow"));
    const additional = config.object("includeAdditionalHeadersInCheck");
    for (let index = 0; index < additional.length; index++) {
      const header = additional.at(index);
      if (!isSettable(header.key)) header.error("is no header that can be sent");
      this.additional.push(lowerCase(header.key));
      this.additional.push(header.asString());
    }
  }

  ask(stream: CheckedStream): CalloutRefusal {
    const headers = stream.headers!;
    const path = this.pathPrefix + headers.path;
    const request = new CalloutRequest(this.cluster, headers.authority, path, headers.method).timeout(this.timeoutMs);
    const joined = new JoinedHeaders(headers);
    for (let index = 0; index < joined.names.length; index++) {
      const name = joined.names[index];
      if (!matchesAny(this.included, name.start, name.length)) continue;
      const text = name.toString();
      // What is added stands alone: a client's own must not be taken for it.
      if (
        isSettable(text) &&
        text != PARTIAL_BODY &&
        !text.startsWith("x-envoy-upstream-") &&
        !this.additional.includes(text)
      ) {
        request.header(text, joined.values[index].toString());
      }
    }
    for (let index = 0; index < this.additional.length; index += 2) {
      request.header(this.additional[index], this.additional[index + 1]);
    }
    const body = stream.bodyFor(this);
    if (body !== null) {
      request.header(PARTIAL_BODY, stream.isPartialFor(this) ? "true" : "false");
      if (body.length > 0) request.bytes(body);
    }
    const check = new HttpCheck(this, stream);
    check.send(request);
    return check.refusal;
  }

  /** Reads an answer; `null` for one that cannot be. */
  read(response: CalloutResponse): Verdict | null {
    const verdict = new Verdict();
    const status = response.status;
    const headers = response.headers;
    verdict.isAllowed = status == 200;
    if (!verdict.isAllowed) {
      if (response.length > MOST_BODY) return null;
      verdict.status = status;
      verdict.body = response.text();
    }
    for (let index = 0; index < headers.count; index++) {
      const name = headers.nameAt(index)!;
      const text = name.toString();
      const value = headers.valueAt(index)!.toString();
      if (verdict.isAllowed && text == "x-envoy-auth-headers-to-remove") addNames(value, verdict.removed);
      if (!isSettable(text)) continue;
      if (verdict.isAllowed && matchesAny(this.toUpstream, name.start, name.length)) {
        verdict.toUpstream.addLine(text, value);
      }
      const isForClient = verdict.isAllowed
        ? matchesAny(this.onAllow, name.start, name.length)
        : this.onDeny.length == 0 || isOfAnswer(text) || matchesAny(this.onDeny, name.start, name.length);
      if (isForClient) verdict.toClient.addLine(text, value);
    }
    return verdict;
  }
}


@final
class HttpCheck extends HttpCallout {
  constructor(
    private readonly authorizer: HttpAuthorizer,
    private readonly stream: CheckedStream,
  ) {
    super();
  }

  override onOutcome(outcome: CalloutOutcome, response: CalloutResponse): void {
    const authorizer = this.authorizer;
    const isAnswer = outcome == CalloutOutcome.Ok && response.status < 500;
    if (isAnswer) this.stream.answered(authorizer, authorizer.read(response));
    else this.stream.failed(authorizer);
  }
}

/** What a client needs to understand an answer, whatever is listed. */
function isOfAnswer(name: string): bool {
  return name == "www-authenticate" || name == "location";
}

function addNames(list: string, into: string[]): void {
  const names = list.split(",");
  for (let index = 0; index < names.length; index++) into.push(names[index].trim());
}

function readNames(config: ConfigReader): TextMatch[] {
  const names: TextMatch[] = [];
  for (let index = 0; index < config.length; index++) {
    const name = config.at(index).asString();
    if (name.length == 0) config.at(index).error("must not be empty");
    names.push(stringRule(lowerCase(name)));
  }
  return names;
}

function matchesAny(matches: TextMatch[], start: usize, length: i32): bool {
  for (let index = 0; index < matches.length; index++) if (matches[index].matches(start, length)) return true;
  return false;
}
