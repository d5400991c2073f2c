import { BufferType, MapType, Status } from "../abi/enums";
import { proxy_get_buffer_bytes } from "../abi/imports";
import { HeaderMap } from "../http/header-map";
import { parseStatus } from "../http/headers";
import { ByteView } from "../memory/byte-view";
import { decodeText } from "../memory/utf8";
import { CalloutOutcome } from "./callout";

/** Headers or trailers of an answer; they cannot be written. */
export class CalloutHeaders extends HeaderMap {}

/**
 * The answer to an HTTP callout, readable until the callback returns; afterwards it is empty.
 *
 * Of `CalloutOutcome.Timeout` and `Reset` it is what the proxy made up: a 503 or 504 with the reason as its body, or
 * nothing when an answer had begun.
 */
export class CalloutResponse {
  /** Headers of the answer, with `:status`. Readable in the callback. */
  readonly headers: CalloutHeaders = new CalloutHeaders(MapType.HttpCallResponseHeaders);
  /** Trailers of the answer; empty when it has none. Readable in the callback. */
  readonly trailers: CalloutHeaders = new CalloutHeaders(MapType.HttpCallResponseTrailers);
  private bodySize: i32 = 0;

  /** `:status`, such as 200; 0 when there is none. */
  get status(): i32 {
    return parseStatus(this.headers.getBytes(":status"));
  }

  /** Bytes of the body. */
  get length(): i32 {
    return this.bodySize;
  }

  /**
   * The body's bytes from `from` on, `length` of them or as many as there are. Valid until the callback returns.
   *
   * Cost: one host call, which copies these bytes into the filter's memory.
   */
  bytes(from: i32 = 0, length: i32 = i32.MAX_VALUE): ByteView {
    const first = min(max(from, 0), this.bodySize);
    const size = min(max(length, 0), this.bodySize - first);
    const out = memory.data(8, 4);
    if (size == 0) return ByteView.of(0, 0);
    const result = proxy_get_buffer_bytes(BufferType.HttpCallResponseBody, first, size, out, out + 4);
    return result == Status.Ok ? ByteView.of(load<usize>(out), load<i32>(out, 4)) : ByteView.of(0, 0);
  }

  /** The body as text; what is not UTF-8 becomes U+FFFD. Cost: as {@link bytes}, and one allocation. */
  text(): string {
    const bytes = this.bytes();
    return decodeText(bytes.start, bytes.length);
  }

  /** @internal To be told in each callback. */
  arrived(bodySize: i32): void {
    this.bodySize = bodySize;
  }

  /**
   * @internal What this answer means. Envoy passes its own failures off as answers. They can be told from the cluster's
   * by a header that its router adds to whatever an upstream sends, and from each other by their text.
   */
  classify(): CalloutOutcome {
    // All headers at once: the author will want some.
    if (this.headers.count == 0 || this.headers.has("x-envoy-upstream-service-time")) return CalloutOutcome.Ok;
    // A request with gRPC's content type is answered in gRPC's form, whatever went wrong with the status 200.
    const isGrpc = this.headers.has("grpc-status");
    const text = isGrpc ? this.headers.getBytes("grpc-message") : this.status >= 500 ? this.bytes(0, 64) : null;
    if (text !== null && text.startsWith("upstream request timeout")) return CalloutOutcome.Timeout;
    const isBroken = isGrpc || (text !== null && text.startsWith("upstream connect error or disconnect/reset"));
    return isBroken ? CalloutOutcome.Reset : CalloutOutcome.Ok;
  }
}

/** The answer that the running callback is about. */
// @ts-ignore: decorator
@lazy
export const calloutResponse = new CalloutResponse();
