import { ConfigReader, decimal, HeaderMap, Text } from "@attache/sdk";
import { refuse } from "./refuse";
import { readMilliseconds } from "./whole-durations";

/** What a request can be sent again on, and what it can in gRPC: each between commas. */
const HTTP_CONDITIONS =
  ",5xx,gateway-error,reset,reset-before-request,connect-failure,retriable-4xx,refused-stream,retriable-status-codes,retriable-headers,envoy-ratelimited,http3-post-connect-failure,";
const GRPC_CONDITIONS = ",cancelled,deadline-exceeded,internal,resource-exhausted,unavailable,";

/** Istio's `timeout` and `HTTPRetry`, told to the proxy's router by the headers it has for them. */
@final
export class UpstreamPolicy {
  private readonly names: Text[] = [];
  private readonly values: Text[] = [];

  constructor(route: ConfigReader) {
    if (route.has("timeout")) this.add("x-envoy-upstream-rq-timeout-ms", decimal(readMilliseconds(route, "timeout")));
    if (route.has("retries")) this.readRetries(route.object("retries"));
  }

  apply(headers: HeaderMap): void {
    const names = this.names;
    for (let index = 0; index < names.length; index++) {
      headers.setOf(unchecked(names[index]), unchecked(this.values[index]));
    }
  }

  private readRetries(config: ConfigReader): void {
    const hasAttempts = config.has("attempts");
    const attempts = config.integer("attempts", hasAttempts ? 1 : 0, 0, i32.MAX_VALUE);
    this.add("x-envoy-max-retries", decimal(attempts));
    const perTryTimeout = readMilliseconds(config, "perTryTimeout");
    if (perTryTimeout > 0) this.add("x-envoy-upstream-rq-per-try-timeout-ms", decimal(perTryTimeout));
    refuse(config, "backoff");
    refuse(config, "retryRemoteLocalities");
    refuse(config, "retryIgnorePreviousHosts");
    const retryOn = config.string("retryOn", "");
    if (attempts == 0 && (config.has("perTryTimeout") || config.has("retryOn"))) {
      config.error("http retry policy configured when attempts are set to 0 (disabled)");
    }
    // What Istio retries on when nothing is said.
    const conditions = retryOn.length > 0 ? retryOn : "connect-failure,refused-stream,unavailable,cancelled";
    if (attempts > 0) this.readConditions(config.get("retryOn"), conditions + ",");
  }

  /**
   * Conditions of HTTP and of gRPC have headers of their own, and so have status codes.
   *
   * @param text with a comma behind each
   */
  private readConditions(config: ConfigReader, text: string): void {
    let http = "";
    let grpc = "";
    let codes = "";
    let start = 0;
    for (let comma = text.indexOf(","); comma >= 0; comma = text.indexOf(",", start)) {
      while (text.charCodeAt(start) == 0x20) start++;
      const condition = text.substring(start, comma);
      start = comma + 1;
      if (GRPC_CONDITIONS.includes("," + condition + ",")) grpc += "," + condition;
      else if (HTTP_CONDITIONS.includes("," + condition + ",")) http += "," + condition;
      else if (isStatus(condition)) codes += "," + condition;
      else config.error('"' + condition + '" is not a valid retryOn policy');
    }
    if (codes.length > 0) {
      http += ",retriable-status-codes";
      this.add("x-envoy-retriable-status-codes", codes.substring(1));
    }
    if (http.length > 0) this.add("x-envoy-retry-on", http.substring(1));
    if (grpc.length > 0) this.add("x-envoy-retry-grpc-on", grpc.substring(1));
  }

  private add(name: string, value: string): void {
    this.names.push(new Text(name));
    this.values.push(new Text(value));
  }
}

/** Whether it is a number from 100 to 599. */
function isStatus(text: string): bool {
  if (text.length != 3) return false;
  for (let index = 0; index < 3; index++) if (<u32>text.charCodeAt(index) - 0x30 > 9) return false;
  return text.charCodeAt(0) >= 0x31 && text.charCodeAt(0) <= 0x35;
}
