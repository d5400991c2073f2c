import { ConfigReader, decimal, HeaderMap, Text } from "@attache/sdk";
import { refuse } from "./refuse";

const MILLISECOND: i64 = 1_000_000;

/** Istio's `timeout` and `HTTPRetry`, told to the proxy's router by the headers it has for them. */
@final
export class UpstreamPolicy {
  private readonly names: Text[] = [];
  private readonly values: Text[] = [];

  constructor(route: ConfigReader) {
    if (route.has("timeout")) this.addDuration("x-envoy-upstream-rq-timeout-ms", route.duration("timeout", 0));
    if (route.has("retries")) this.readRetries(route.object("retries"));
  }

  apply(headers: HeaderMap): void {
    const names = this.names;
    for (let index = 0; index < names.length; index++) {
      headers.setOf(unchecked(names[index]), unchecked(this.values[index]));
    }
  }

  private readRetries(config: ConfigReader): void {
    const attempts = config.integer("attempts", 0, 0, i32.MAX_VALUE);
    this.add("x-envoy-max-retries", decimal(attempts));
    const perTryTimeout = config.duration("perTryTimeout", 0);
    if (attempts > 0 && perTryTimeout > 0) this.addDuration("x-envoy-upstream-rq-per-try-timeout-ms", perTryTimeout);
    refuse(config, "backoff");
    refuse(config, "retryRemoteLocalities");
    refuse(config, "retryIgnorePreviousHosts");
    if (attempts > 0) this.readConditions(config);
    else config.ignore("retryOn");
  }

  /** Conditions of HTTP and of gRPC have headers of their own, and so have status codes. */
  private readConditions(config: ConfigReader): void {
    // What Istio retries on when nothing is said.
    const text = config.string("retryOn", "connect-failure,refused-stream,unavailable,cancelled") + ",";
    let http = "";
    let grpc = "";
    let codes = "";
    let start = 0;
    for (let comma = text.indexOf(","); comma >= 0; comma = text.indexOf(",", start)) {
      while (text.charCodeAt(start) == 0x20) start++;
      const condition = text.substring(start, comma);
      start = comma + 1;
      if (condition.length == 0) continue;
      if (<u32>text.charCodeAt(comma - 1) - 0x30 < 10) codes += "," + condition;
      else if (
        ",cancelled,deadline-exceeded,internal,resource-exhausted,unavailable,".includes("," + condition + ",")
      ) {
        grpc += "," + condition;
      } else http += "," + condition;
    }
    if (codes.length > 0) {
      http += ",retriable-status-codes";
      this.add("x-envoy-retriable-status-codes", codes.substring(1));
    }
    if (http.length > 0) this.add("x-envoy-retry-on", http.substring(1));
    if (grpc.length > 0) this.add("x-envoy-retry-grpc-on", grpc.substring(1));
  }

  private addDuration(name: string, nanoseconds: i64): void {
    this.add(name, decimal(nanoseconds / MILLISECOND));
  }

  private add(name: string, value: string): void {
    this.names.push(new Text(name));
    this.values.push(new Text(value));
  }
}
