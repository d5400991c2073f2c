import { HeaderList, isHeaderName, isHeaderValue, isSameName } from "../http/header-list";
import { RequestHeaders } from "../http/headers";
import { ByteView } from "../memory/byte-view";
import { copyTraceHeaders } from "./trace-headers";

const LONGEST_TIMEOUT_MS: u32 = 0x7fffffff;

/**
 * An HTTP request to a cluster of the proxy:
 *
 * ```ts
 * new CalloutRequest("auth", "auth.example.com", "/check").header("authorization", token).timeout(200)
 * ```
 *
 * It can be sent several times, by one callout or by several.
 */
export class CalloutRequest {
  /** @internal */
  readonly headers: HeaderList = new HeaderList();
  /** @internal */
  readonly trailers: HeaderList = new HeaderList();
  /** @internal */
  bodyText: string = "";
  /** @internal Instead of the text, when there is one. */
  bodyBytes: StaticArray<u8> | null = null;
  /** @internal */
  timeoutMs: u32 = 1000;
  /** @internal */
  isValid: bool = true;

  /**
   * @param cluster name of the cluster in the proxy's configuration; in Istio see `istioCluster`
   * @param authority host, and port if it is not the scheme's own: what becomes the `host` header
   * @param path with its query, such as `/check?a=1`
   * @param method in upper case
   */
  constructor(
    readonly cluster: string,
    authority: string,
    path: string,
    method: string = "GET",
  ) {
    if (method.length == 0 || path.length == 0 || authority.length == 0) this.isValid = false;
    this.add(":method", method);
    this.add(":path", path);
    this.add(":authority", authority);
  }

  /**
   * Adds a header. The request is refused (`CalloutRefusal.InvalidRequest`) when the name is no token of HTTP, the value
   * holds a control character, or the header is one that says where the request goes or ends: `host`, `content-length`,
   * `transfer-encoding`, and those that begin with `:` but for `:scheme`.
   */
  header(name: string, value: string): CalloutRequest {
    const isFraming =
      isSameName(name, "content-length") || isSameName(name, "transfer-encoding") || isSameName(name, "host");
    if (isFraming || (!isHeaderName(name) && name != ":scheme")) this.isValid = false;
    else this.add(name, value);
    return this;
  }

  /** The body; the proxy adds `content-length`. */
  text(body: string): CalloutRequest {
    this.bodyText = body;
    this.bodyBytes = null;
    return this;
  }

  /** A body with `content-type: application/json`. */
  json(body: string): CalloutRequest {
    return this.header("content-type", "application/json").text(body);
  }

  /** A body of bytes of any kind, which are copied. */
  bytes(body: ByteView): CalloutRequest {
    const copy = new StaticArray<u8>(body.length);
    memory.copy(changetype<usize>(copy), body.start, body.length);
    this.bodyBytes = copy;
    return this;
  }

  /** Adds a trailer. Envoy 1.40 takes trailers and does not send them. As {@link header}. */
  trailer(name: string, value: string): CalloutRequest {
    if (!isHeaderName(name) || !isHeaderValue(value) || !this.trailers.add(name, value)) this.isValid = false;
    return this;
  }

  /**
   * How long an answer may take as a whole, in milliseconds; 1000 when not set. 0: for ever, which leaves a held stream
   * waiting when the cluster never answers.
   */
  timeout(milliseconds: u32): CalloutRequest {
    this.timeoutMs = min(milliseconds, LONGEST_TIMEOUT_MS);
    return this;
  }

  /**
   * Carries the request's trace on: copies `traceparent`, `tracestate`, `b3`, `x-b3-*`, `x-request-id`, `x-ot-span-context`,
   * `x-cloud-trace-context` and `grpc-trace-bin`, those that are there.
   *
   * Cost: one host call.
   */
  trace(headers: RequestHeaders): CalloutRequest {
    copyTraceHeaders(headers, this.headers);
    return this;
  }

  private add(name: string, value: string): void {
    if (!isHeaderValue(value) || !this.headers.add(name, value)) this.isValid = false;
  }
}
