import { BufferType, MapType } from "../abi/enums";
import { ByteView } from "../memory/byte-view";
import { BodyState, setBodyState } from "./body-state";
import { FilterHeaders } from "./filter-status";
import { HeaderMap } from "./header-map";
import { BodyAccess, collectBody, OverLimit } from "./whole-body";

/** Headers of the request; see {@link HeaderMap} for reading and writing any of them. */
export class RequestHeaders extends HeaderMap {
  constructor() {
    super(MapType.HttpRequestHeaders);
  }

  /** `:method`, such as `GET`; empty when it cannot be read in this callback. */
  get method(): string {
    return this.pseudo(":method");
  }

  /** `:path` with its query, such as `/a?b=1`; empty when it cannot be read in this callback. */
  get path(): string {
    return this.pseudo(":path");
  }

  set path(path: string) {
    this.set(":path", path);
  }

  /** `:authority`: host and, if it is not the scheme's own, port; empty when it cannot be read in this callback. */
  get authority(): string {
    return this.pseudo(":authority");
  }

  set authority(authority: string) {
    this.set(":authority", authority);
  }

  /** `:scheme`: `http` or `https`; empty when it cannot be read in this callback. */
  get scheme(): string {
    return this.pseudo(":scheme");
  }

  /**
   * Announces that the body will be changed piece by piece: removes `content-length`, which would become wrong, so
   * HTTP/1.1 sends the body in chunks. Without it `Body` refuses to be changed. Not needed with {@link collectBody}.
   *
   * Allowed in: `onRequestHeaders`, when `endOfStream` is `false`.
   *
   * @returns `false` when the headers cannot be written in this callback
   */
  allowBodyChange(): bool {
    if (!this.delete("content-length")) return false;
    setBodyState(BufferType.HttpRequestBody, BodyState.Changeable);
    return true;
  }

  /**
   * Asks for the whole body: `HttpFilter.onWholeRequestBody` is called once, when the last byte has come, also when there
   * is no body. To be returned from the headers callback:
   *
   * ```ts
   * override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
   *   return headers.collectBody(endOfStream, 65536, OverLimit.Reject);
   * }
   * ```
   *
   * The proxy holds the body meanwhile, not the filter; its own limit (Envoy: `per_connection_buffer_limit_bytes`,
   * 1 MiB by default) must not be below `limit`. `onRequestBody` is not called for this stream.
   *
   * Allowed in: `onRequestHeaders`. Cost: one host call, two when `content-length` is removed.
   *
   * @param endOfStream that of the headers callback
   * @param limit in bytes
   * @param overLimit what happens to a longer body
   * @param access what the filter does with the body; as it is, the body cannot be changed
   */
  collectBody(
    endOfStream: bool,
    limit: i32,
    overLimit: OverLimit = OverLimit.Reject,
    access: BodyAccess = BodyAccess.Read,
  ): FilterHeaders {
    return collectBody(BufferType.HttpRequestBody, this, endOfStream, limit, overLimit, access);
  }

  private pseudo(name: string): string {
    const value = this.get(name);
    return value === null ? "" : value;
  }
}

/** Headers of the response; see {@link HeaderMap} for reading and writing any of them. */
export class ResponseHeaders extends HeaderMap {
  constructor() {
    super(MapType.HttpResponseHeaders);
  }

  /**
   * `:status`, such as 200; 0 when it cannot be read in this callback, or is no number of up to three
   * digits.
   */
  get status(): i32 {
    return parseStatus(this.getBytes(":status"));
  }

  /**
   * Announces that the body will be changed piece by piece: removes `content-length`, which would become wrong, so
   * HTTP/1.1 sends the body in chunks. Without it `Body` refuses to be changed. Not needed with {@link collectBody}.
   *
   * Allowed in: `onResponseHeaders`, when `endOfStream` is `false`.
   *
   * @returns `false` when the headers cannot be written in this callback
   */
  allowBodyChange(): bool {
    if (!this.delete("content-length")) return false;
    setBodyState(BufferType.HttpResponseBody, BodyState.Changeable);
    return true;
  }

  /**
   * Asks for the whole body: `HttpFilter.onWholeResponseBody` is called once, when the last byte has come, also when there
   * is no body. To be returned from the headers callback:
   *
   * ```ts
   * override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
   *   return headers.collectBody(endOfStream, 65536, OverLimit.Reject);
   * }
   * ```
   *
   * The proxy holds the body meanwhile, not the filter; its own limit (Envoy: `per_connection_buffer_limit_bytes`,
   * 1 MiB by default) must not be below `limit`. `onResponseBody` is not called for this stream.
   *
   * Allowed in: `onResponseHeaders`. Cost: one host call, two when `content-length` is removed.
   *
   * @param endOfStream that of the headers callback
   * @param limit in bytes
   * @param overLimit what happens to a longer body
   * @param access what the filter does with the body; as it is, the body cannot be changed
   */
  collectBody(
    endOfStream: bool,
    limit: i32,
    overLimit: OverLimit = OverLimit.Reject,
    access: BodyAccess = BodyAccess.Read,
  ): FilterHeaders {
    return collectBody(BufferType.HttpResponseBody, this, endOfStream, limit, overLimit, access);
  }
}

/** A status as a number; 0 when it is absent or no number of up to three digits. */
export function parseStatus(value: ByteView | null): i32 {
  if (value === null) return 0;
  let status = 0;
  for (let index = 0; index < value.length; index++) {
    const digit = value.at(index) - 0x30;
    if (digit > 9 || status > 99) return 0;
    status = status * 10 + digit;
  }
  return status;
}

/** The two maps of the stream that the running callback is for. */
// @ts-ignore: decorator
@lazy
export const requestHeaders = new RequestHeaders();
// @ts-ignore: decorator
@lazy
export const responseHeaders = new ResponseHeaders();
