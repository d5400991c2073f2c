import {
  ByteView,
  ConfigReader,
  decimal,
  FilterHeaders,
  HeaderMap,
  LocalReply,
  RequestHeaders,
  Text,
} from "@attache/sdk";
import { StringMatch } from "@attache/istio";
import { headerValue } from "./header-text";
import { readSeconds } from "./whole-durations";

/** Istio's `CorsPolicy`, as Envoy's filter `cors` carries it out. */
@final
export class CorsPolicy {
  private readonly origins: StringMatch[] = [];
  private allowsAll: bool = false;
  private readonly methods: string;
  private readonly headers: string;
  private readonly exposed: string;
  private readonly maxAge: string;
  private readonly hasCredentials: bool;
  private readonly answersUnmatched: bool;

  constructor(config: ConfigReader) {
    this.methods = readList(config.array("allowMethods"));
    this.headers = readList(config.array("allowHeaders"));
    this.exposed = readList(config.array("exposeHeaders"));
    this.maxAge = config.has("maxAge") ? decimal(readSeconds(config, "maxAge")) : "";
    this.hasCredentials = config.bool("allowCredentials", false);
    this.answersUnmatched = config.oneOf("unmatchedPreflights", ["UNSPECIFIED", "FORWARD", "IGNORE"], 0) == 2;
    const origins = config.array("allowOrigins");
    for (let index = 0; index < origins.length; index++) {
      const origin = origins.at(index).asObject();
      const match = new StringMatch(origin);
      if (origin.isPresent && match.isEmpty) {
        origin.error('\'\' is not a valid match type for CORS allow origins: every origin is { "exact": "*" }');
      }
      // What takes the asterisk takes every origin, in Envoy.
      if (match.matches(ByteView.ofText("*"))) this.allowsAll = true;
      this.origins.push(match);
    }
  }

  /** The origin of a request if it is allowed, or `null`. */
  allowedOrigin(headers: RequestHeaders): string | null {
    const origin = originOf(headers);
    return origin !== null && this.allows(origin) ? origin.toString() : null;
  }

  /** Whether the filter answers the request: a browser asks whether it may send another one. */
  answers(headers: RequestHeaders, origin: string | null): bool {
    if (origin === null && (!this.answersUnmatched || originOf(headers) === null)) return false;
    const method = headers.getBytes("access-control-request-method");
    return method !== null && method.length > 0 && headers.method == "OPTIONS";
  }

  /** The answer; {@link mark} adds the origin to it when that is allowed. */
  answer(headers: RequestHeaders): FilterHeaders {
    const methods = allowed(this.methods, headers, "access-control-request-method");
    const names = allowed(this.headers, headers, "access-control-request-headers");
    const reply = new LocalReply(200).details("header_routing_cors_preflight");
    if (this.hasCredentials) reply.header("access-control-allow-credentials", "true");
    if (methods.length > 0) reply.header("access-control-allow-methods", methods);
    // Empty when the asterisk is there and nothing is asked for, as in Envoy.
    if (this.headers.length > 0) reply.header("access-control-allow-headers", names);
    if (this.maxAge.length > 0) reply.header("access-control-max-age", this.maxAge);
    return reply.send();
  }

  /** Lets scripts of the origin read the response. */
  mark(headers: HeaderMap, origin: string): void {
    headers.set("access-control-allow-origin", origin);
    if (this.hasCredentials) headers.set("access-control-allow-credentials", "true");
    if (this.exposed.length > 0) headers.set("access-control-expose-headers", this.exposed);
  }

  private allows(origin: ByteView): bool {
    const origins = this.origins;
    if (this.allowsAll) return true;
    for (let index = 0; index < origins.length; index++) if (unchecked(origins[index]).matches(origin)) return true;
    return false;
  }
}

/** The origin that a request tells; an empty one is none. */
function originOf(headers: RequestHeaders): ByteView | null {
  const origin = headers.getBytes("origin");
  return origin !== null && origin.length > 0 ? origin : null;
}

/** The list, or for the asterisk what the request asks for, as in Envoy: with credentials browsers take no asterisk. */
function allowed(list: string, headers: RequestHeaders, question: string): string {
  if (list != "*") return list;
  const asked = headers.get(question);
  return asked === null ? "" : asked;
}

function readList(config: ConfigReader): string {
  let list = "";
  for (let index = 0; index < config.length; index++) {
    const entry = config.at(index);
    const text = entry.asString();
    headerValue(entry, text);
    list += index == 0 ? text : "," + text;
  }
  return list;
}
