import { getProperty, getPropertyAt } from "./property";
import { attributeInteger, attributeNs, attributeText } from "./value";

/**
 * Attributes of the response, by the names of Envoy's `response.*`.
 *
 * They exist from `onResponseHeaders` on, most also in `onLog`, with the final values. Headers and trailers are absent
 * while the proxy does not hold them.
 *
 * Each read is one host call (about 0.55 µs). Text that is absent is `null`, a number -1.
 *
 * Source: https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 */
export class response {
  /** HTTP status, such as 200. Exists once the proxy has it: from `onResponseHeaders` on. */
  static get code(): i32 {
    return <i32>attributeInteger(getPropertyAt("response\0code"));
  }

  /**
   * Why the response has this status, in Envoy's words, such as `via_upstream` or `route_not_found`. Exists from
   * `onResponseHeaders` on.
   */
  static get codeDetails(): string | null {
    return attributeText(getPropertyAt("response\0code_details"));
  }

  /** Envoy's response flags as a bit vector; 0 when nothing went wrong. Exists in every callback of a stream. */
  static get flags(): i64 {
    return attributeInteger(getPropertyAt("response\0flags"));
  }

  /**
   * gRPC status: of trailers or headers, else that which the HTTP status stands for. Exists from `onResponseHeaders`
   * on.
   */
  static get grpcStatus(): i32 {
    return <i32>attributeInteger(getPropertyAt("response\0grpc_status"));
  }

  /** Size of its headers in bytes; 0 where they are not held. Exists in every callback of a stream. */
  static get headersBytes(): i64 {
    return attributeInteger(getPropertyAt("response\0headers_bytes"));
  }

  /** Bytes of its body sent so far. Exists in every callback of a stream. */
  static get size(): i64 {
    return attributeInteger(getPropertyAt("response\0size"));
  }

  /**
   * Bytes sent so far and, where they are held, those of headers and trailers. Exists in every callback of a stream.
   */
  static get totalSize(): i64 {
    return attributeInteger(getPropertyAt("response\0total_size"));
  }

  /**
   * Nanoseconds from the first byte sent to the upstream to the last received from it. Exists in `onLog`, when an
   * upstream answered.
   */
  static get backendLatencyNs(): i64 {
    return attributeNs(getPropertyAt("response\0backend_latency"));
  }

  /** Values of header `name`, joined by commas; `null` when it is absent. Exists in `onResponseHeaders` and `onLog`. */
  static header(name: string): string | null {
    return attributeText(getProperty("response\0headers", name));
  }

  /**
   * Values of trailer `name`, joined by commas; `null` when it is absent. Exists in `onResponseTrailers` and `onLog`.
   */
  static trailer(name: string): string | null {
    return attributeText(getProperty("response\0trailers", name));
  }
}
