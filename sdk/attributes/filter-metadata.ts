import { ByteView } from "../memory/byte-view";
import { getProperty } from "./property";
import { attributeBool, attributeNumber, attributeText } from "./value";

/**
 * Dynamic metadata that other filters of the proxy wrote on the stream, by the filter's name and a key: claims of
 * `envoy.filters.http.jwt_authn`, for one. Only what stands directly under the key; {@link getProperty} reads deeper:
 * `getProperty("metadata", "filter_metadata", filter, key, field)`.
 *
 * Exists in the callbacks of a stream, once that filter ran. Each read is one host call (about 0.55 µs). Values do not
 * tell their type: read each as what the filter writes.
 *
 * Source: https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 */
export class filterMetadata {
  /** Text under `key`; `null` when there is none. */
  static getText(filter: string, key: string): string | null {
    return attributeText(filterMetadata.getBytes(filter, key));
  }

  /** Number under `key`; NaN when there is none. */
  static getNumber(filter: string, key: string): f64 {
    return attributeNumber(filterMetadata.getBytes(filter, key));
  }

  /** Truth under `key`; `absent` when there is none. */
  static getBool(filter: string, key: string, absent: bool = false): bool {
    return attributeBool(filterMetadata.getBytes(filter, key), absent);
  }

  /** Value under `key` as Envoy encodes it; `null` when there is none. Valid until the callback returns. */
  static getBytes(filter: string, key: string): ByteView | null {
    return getProperty("metadata\0filter_metadata", filter, key);
  }
}
