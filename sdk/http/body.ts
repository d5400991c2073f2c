import { BufferType } from "../abi/enums";
import { callbackNumber } from "../context/callback";
import { ProxyBuffer } from "../context/proxy-buffer";
import { log } from "../log/log";
import { claimBodyChange } from "./body-state";
import { requestTrailers, responseTrailers } from "./trailers";

/**
 * The body of a request or response, or the piece of it that the running callback is about. The bytes are those on the
 * wire: a body with `content-encoding` is compressed.
 *
 * Reading is allowed in the body callbacks, and in later callbacks of the stream while the body is held by
 * `FilterData.StopIterationAndBuffer`. Elsewhere the body is empty.
 *
 * Writing is allowed where reading is, if the headers callback announced it by `allowBodyChange` or `collectBody`: the
 * `content-length` that was sent ahead must not become wrong. Each writing method answers whether it was done; `false`
 * means nothing changed. An error is logged when the announcement is missing.
 */
export class Body extends ProxyBuffer {
  /** Callback in which only the first bytes are shown. */
  private truncatedIn: u32 = 0;

  constructor(type: BufferType) {
    super(type);
  }

  /** Whether these are only the first bytes of a body that is longer than the limit; see `OverLimit.Truncate`. */
  get isTruncated(): bool {
    return this.truncatedIn == callbackNumber;
  }

  /**
   * Adds a trailer to a message that ends here without any. No trailers callback of this filter follows.
   *
   * HTTP/1.1 carries trailers only when the body is sent in chunks, that is without `content-length` (`allowBodyChange`
   * removes it), and Envoy only when the listener or cluster has `enable_trailers`; else they are dropped on the wire.
   *
   * Allowed in: body callbacks with `endOfStream`; in trailers callbacks it adds to what is there.
   *
   * @returns `false`, with nothing added, elsewhere or when name or value are refused as by `HeaderMap.set`
   */
  addTrailer(name: string, value: string): bool {
    return this.type == BufferType.HttpRequestBody
      ? requestTrailers.append(name, value)
      : responseTrailers.append(name, value);
  }

  /** @internal From here to the end of the callback only the first `limit` bytes are there, and cannot be changed. */
  truncate(limit: i32): void {
    this.size = limit;
    this.truncatedIn = callbackNumber;
  }

  protected claimChange(): bool {
    if (this.isTruncated) return false;
    if (claimBodyChange(this.type)) return true;
    log.error("the body is not changed: call allowBodyChange or collectBody in the headers callback first");
    return false;
  }
}

/** The two bodies of the stream that the running callback is for. */
// @ts-ignore: decorator
@lazy
export const requestBody = new Body(BufferType.HttpRequestBody);
// @ts-ignore: decorator
@lazy
export const responseBody = new Body(BufferType.HttpResponseBody);
