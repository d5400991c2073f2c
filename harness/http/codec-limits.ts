import type { HeaderMap } from "./header-map.ts";

// What Envoy's HTTP/1.1 codec takes at its defaults, measured to the byte: all of a message's head counts, with the
// first line and the line ends; of headers, those that are left when the ones Envoy joins are joined.

const maxHeaders = 100;
const maxRequestBytes = 60 * 1024;
const maxResponseBytes = 80 * 1024;

export type HeadersExcess = "http1.headers_too_large" | "http1.too_many_headers";

/** Why a request's headers are more than Envoy takes. */
export function requestExcess(headers: HeaderMap): HeadersExcess | null {
  const method = headers.get(":method") ?? "";
  const path = headers.get(":path") ?? "";
  return excess(headers, `${method} ${path} HTTP/1.1\r\n`.length, maxRequestBytes);
}

export function requestTrailersExcess(trailers: HeaderMap): HeadersExcess | null {
  return excess(trailers, 0, maxRequestBytes);
}

/**
 * Whether Envoy takes the headers of an upstream's response: not when they are too large or too many, or promise a body
 * with a 204. The `content-length: 0` of a 204 is dropped.
 */
export function takesResponse(headers: HeaderMap, reasonPhrase: string): boolean {
  if (headers.get(":status") === "204") {
    if (headers.has("transfer-encoding") || (headers.get("content-length") ?? "0") !== "0") return false;
    headers.remove("content-length");
  }
  return excess(headers, `HTTP/1.1 200 ${reasonPhrase}\r\n`.length, maxResponseBytes) === null;
}

export function takesResponseTrailers(trailers: HeaderMap): boolean {
  return excess(trailers, 0, maxResponseBytes) === null;
}

function excess(headers: HeaderMap, firstLine: number, maxBytes: number): HeadersExcess | null {
  const { entries } = headers;
  let bytes = firstLine + "\r\n".length;
  let count = 0;
  for (let i = 0; i < entries.length; i += 2) {
    const name = entries[i] === ":authority" ? "host" : entries[i]!;
    if (name.charCodeAt(0) === 58) continue;
    bytes += name.length + ": ".length + entries[i + 1]!.length + "\r\n".length;
    count++;
  }
  if (bytes > maxBytes) return "http1.headers_too_large";
  return count > maxHeaders ? "http1.too_many_headers" : null;
}
