import type { ProxyServices } from "../emulator/services.ts";
import type { HeadersExcess } from "./codec-limits.ts";
import type { HeaderMap } from "./header-map.ts";

// What Envoy's HTTP connection manager does to messages before the filters see them and after.

/** Headers a client outside cannot hand to the proxy, and those of one connection only. */
const strippedRequestHeaders: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "x-envoy-expected-rq-timeout-ms",
  "x-envoy-force-trace",
  "x-envoy-hedge-on-per-try-timeout",
  "x-envoy-internal",
  "x-envoy-ip-tags",
  "x-envoy-max-retries",
  "x-envoy-original-url",
  "x-envoy-retriable-header-names",
  "x-envoy-retriable-status-codes",
  "x-envoy-retry-grpc-on",
  "x-envoy-retry-on",
  "x-envoy-upstream-alt-stat-name",
  "x-envoy-upstream-rq-per-try-timeout-ms",
  "x-envoy-upstream-rq-timeout-alt-response",
  "x-envoy-upstream-rq-timeout-ms",
  "x-envoy-upstream-stream-duration-ms",
]);

const hopByHop: ReadonlySet<string> = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding"]);

/** The answer to a request that the filters do not get to see. */
export interface Refusal {
  status: number;
  body: string;
  details: string;
  /** Whether it was understood as far as its headers: the access log then has them, and does not speak of the protocol. */
  hasHeaders: boolean;
  closesConnection: boolean;
}

export const malformedRequest: Refusal = refusal(400, "http1.codec_error", "Bad Request", false);

export function oversizeRequest(excess: HeadersExcess): Refusal {
  return refusal(431, excess, "Request Header Fields Too Large", false);
}

/** Why this request is not taken as it came. */
export function refuseRequest(headers: HeaderMap, protocol: string): Refusal | null {
  if (protocol === "HTTP/1.0") return refusal(426, "low_version", "Upgrade Required", false);
  if (!headers.has(":authority")) return refusal(400, "missing_host_header");
  const path = headers.get(":path") ?? "";
  if (path.includes("#")) return refusal(400, "path_normalization_failed");
  if (!path.startsWith("/")) return { ...refusal(404, "absolute_path_rejected"), closesConnection: false };
  return null;
}

/** Why no filter chain can be made for this request, whose headers are {@link prepareRequest prepared}. */
export function refuseUpgrade(headers: HeaderMap): Refusal | null {
  return headers.has("upgrade") ? refusal(403, "upgrade_failed") : null;
}

/** The headers as filters see them. */
export function prepareRequest(headers: HeaderMap, services: ProxyServices): void {
  if (headers.get("expect")?.toLowerCase() === "100-continue") headers.remove("expect");
  const proto = headers.get("x-forwarded-proto");
  if (!headers.has(":scheme")) headers.append(":scheme", proto === "https" ? "https" : "http");
  const keepsUpgrade = headers.has("upgrade") && /(?:^|,)\s*upgrade\s*(?:,|$)/i.test(headers.get("connection") ?? "");
  headers.removeAll(strippedRequestHeaders, keepsUpgrade ? upgradeHeaders : none);
  const te = headers.get("te");
  if (te !== null && te !== "trailers") headers.remove("te");
  if (proto === null) headers.append("x-forwarded-proto", "http");
  if (!headers.has("x-request-id")) headers.append("x-request-id", services.random.uuid());
}

/** The headers as the client gets them. */
export function finishResponse(headers: HeaderMap, services: ProxyServices, closesConnection: boolean): void {
  headers.removeAll(hopByHop, none);
  if (!headers.has("date")) headers.append("date", services.clock.httpDate());
  headers.set("server", "envoy");
  // What is left of the request is not waited for: HTTP/1.1 can then only close.
  if (closesConnection) headers.append("connection", "close");
}

const none: ReadonlySet<string> = new Set();
const upgradeHeaders: ReadonlySet<string> = new Set(["connection", "upgrade"]);

function refusal(status: number, details: string, body = "", hasHeaders = true): Refusal {
  return { status, body, details, hasHeaders, closesConnection: true };
}
