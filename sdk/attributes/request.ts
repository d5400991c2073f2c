import { getProperty, getPropertyAt } from "./property";
import { attributeInteger, attributeNs, attributeText } from "./value";

/**
 * Attributes of the request, by the names of Envoy's `request.*`.
 *
 * Most are those of the request headers: they exist in `onRequestHeaders`, later only while the headers are still held,
 * and again in `onLog`. In the callbacks of the response they are absent: keep what you need in the filter.
 *
 * Each read is one host call (about 0.55 µs). Text that is absent is `null`, a number -1.
 *
 * Source: https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 */
export class request {
  /** Path with its query, such as `/a?b=1`. Exists in `onRequestHeaders` and `onLog`. */
  static get path(): string | null {
    return attributeText(getPropertyAt("request\0path"));
  }

  /** Path without its query. Exists in `onRequestHeaders` and `onLog`. */
  static get urlPath(): string | null {
    return attributeText(getPropertyAt("request\0url_path"));
  }

  /** What follows the `?`; empty when there is none. Exists in `onRequestHeaders` and `onLog`. */
  static get query(): string | null {
    return attributeText(getPropertyAt("request\0query"));
  }

  /** The `:authority`. Exists in `onRequestHeaders` and `onLog`. */
  static get host(): string | null {
    return attributeText(getPropertyAt("request\0host"));
  }

  /** `http` or `https`. Exists in `onRequestHeaders` and `onLog`. */
  static get scheme(): string | null {
    return attributeText(getPropertyAt("request\0scheme"));
  }

  /** Such as `GET`. Exists in `onRequestHeaders` and `onLog`. */
  static get method(): string | null {
    return attributeText(getPropertyAt("request\0method"));
  }

  /** The `referer` header. Exists in `onRequestHeaders` and `onLog`. */
  static get referer(): string | null {
    return attributeText(getPropertyAt("request\0referer"));
  }

  /** The `user-agent` header. Exists in `onRequestHeaders` and `onLog`. */
  static get userAgent(): string | null {
    return attributeText(getPropertyAt("request\0useragent"));
  }

  /** The `x-request-id` header. Exists in `onRequestHeaders` and `onLog`. */
  static get id(): string | null {
    return attributeText(getPropertyAt("request\0id"));
  }

  /** `HTTP/1.0`, `HTTP/1.1`, `HTTP/2` or `HTTP/3`. Exists in every callback of a stream. */
  static get protocol(): string | null {
    return attributeText(getPropertyAt("request\0protocol"));
  }

  /** When its first byte came, in nanoseconds since the Unix epoch. Exists in every callback of a stream. */
  static get timeNs(): i64 {
    return attributeNs(getPropertyAt("request\0time"));
  }

  /** Nanoseconds from its first byte to the last of the response. Exists in `onLog`. */
  static get durationNs(): i64 {
    return attributeNs(getPropertyAt("request\0duration"));
  }

  /** Size of its headers in bytes; 0 where they are not held. Exists in every callback of a stream. */
  static get headersBytes(): i64 {
    return attributeInteger(getPropertyAt("request\0headers_bytes"));
  }

  /**
   * Bytes of its body: the `content-length` while the headers are held (-1 when that is no number), else what came so
   * far. Exists in every callback of a stream.
   */
  static get size(): i64 {
    return attributeInteger(getPropertyAt("request\0size"));
  }

  /** Bytes of body and, where they are held, headers that came so far. Exists in every callback of a stream. */
  static get totalSize(): i64 {
    return attributeInteger(getPropertyAt("request\0total_size"));
  }

  /** Values of header `name`, joined by commas; `null` when it is absent. Exists in `onRequestHeaders` and `onLog`. */
  static header(name: string): string | null {
    return attributeText(getProperty("request\0headers", name));
  }
}
