import { ConfigReader, RequestHeaders } from "@attache/sdk";
import { leadingNumber } from "./leading-number";

const NS_PER_MS: i64 = 1_000_000;

/** Requests that have too little time left to be served are better answered at once. */
@final
export class Shedding {
  private readonly minTimeLeftMs: i64;

  constructor(config: ConfigReader) {
    this.minTimeLeftMs = config.required("minTimeLeft").asDuration(NS_PER_MS) / NS_PER_MS;
  }

  /** Whether the proxy gives this request less time than it needs; `false` when it says nothing about it. */
  sheds(headers: RequestHeaders): bool {
    const timeout = headers.getBytes("x-envoy-expected-rq-timeout-ms");
    const timeoutMs = timeout === null ? 0 : leadingNumber(timeout);
    return timeoutMs > 0 && timeoutMs < this.minTimeLeftMs;
  }
}
