import type { RetryPolicy } from "../host.ts";
import type { HeaderMap } from "./header-map.ts";
import type { ResetReason } from "./upstream.ts";

/** `exhausted`: it would be tried again if it had not been so often. */
export type RetryDecision = "retry" | "exhausted" | "no";

/** What a response or a reset must be like to try again, by the words of `retry_on`. */
interface Condition {
  status?: (status: number, codes: ReadonlySet<number>) => boolean;
  grpcStatus?: number;
  reset?: (reason: ResetReason) => boolean;
}

const isServerError = (status: number) => status >= 500 && status < 600;
const always = () => true;

const conditions: Readonly<Record<string, Condition>> = {
  "5xx": { status: isServerError, reset: always },
  "gateway-error": { status: (status) => status >= 502 && status <= 504, reset: always },
  reset: { reset: always },
  "connect-failure": { reset: (reason) => reason === "remote connection failure" },
  "retriable-4xx": { status: (status) => status === 409 },
  "retriable-status-codes": { status: (status, codes) => codes.has(status) },
  cancelled: { grpcStatus: 1 },
  "deadline-exceeded": { grpcStatus: 4 },
  "resource-exhausted": { grpcStatus: 8 },
  internal: { grpcStatus: 13 },
  unavailable: { grpcStatus: 14 },
};

/** Words of `retry_on` that have a meaning here. */
export const retryConditions: readonly string[] = Object.keys(conditions);

const retryHeaders: ReadonlySet<string> = new Set([
  "x-envoy-retry-on",
  "x-envoy-retry-grpc-on",
  "x-envoy-max-retries",
  "x-envoy-retriable-status-codes",
  "x-envoy-retriable-header-names",
]);

const defaultBaseMs = 25;

/** How often, when and why one request is tried again. */
export class Retry {
  readonly #conditions: readonly Condition[];
  readonly #codes: ReadonlySet<number>;
  readonly #mostMs: number;
  #left: number;
  #intervalMs: number;

  /** By the route's policy and the request's headers, which are taken off; `null` when nothing can make it happen. */
  static of(policy: RetryPolicy | null, headers: HeaderMap): Retry | null {
    if (policy === null && !headers.hasAny(retryHeaders)) return null;
    const words = [policy?.retryOn, headers.get("x-envoy-retry-on"), headers.get("x-envoy-retry-grpc-on")].join();
    const most = numberOf(headers.get("x-envoy-max-retries") ?? "") ?? policy?.numRetries ?? 1;
    const codes = (headers.get("x-envoy-retriable-status-codes") ?? "").split(",").map(numberOf);
    headers.removeAll(retryHeaders, noHeaders);
    const known = words.split(",").flatMap((word) => conditions[word.trim()] ?? []);
    return known.length === 0 ? null : new Retry(policy, known, most, codes);
  }

  private constructor(
    policy: RetryPolicy | null,
    known: readonly Condition[],
    most: number,
    codes: readonly (number | null)[],
  ) {
    this.#conditions = known;
    this.#codes = new Set([...(policy?.retriableStatusCodes ?? []), ...codes.filter((code) => code !== null)]);
    this.#left = most;
    this.#intervalMs = policy?.backOff?.baseIntervalMs ?? defaultBaseMs;
    this.#mostMs = policy?.backOff?.maxIntervalMs ?? 10 * this.#intervalMs;
  }

  afterResponse(headers: HeaderMap): RetryDecision {
    const status = Number(headers.get(":status"));
    const grpcStatus = numberOf(headers.get("grpc-status") ?? "");
    return this.#decide(
      (condition) =>
        condition.status?.(status, this.#codes) === true ||
        (grpcStatus !== null && condition.grpcStatus === grpcStatus),
    );
  }

  /** Also after a single attempt has taken too long, which is a `local reset`. */
  afterReset(reason: ResetReason): RetryDecision {
    return this.#decide((condition) => condition.reset?.(reason) === true);
  }

  /** How long to wait before the next attempt: anything below an interval that doubles each time. */
  nextDelayMs(random: number): number {
    const delay = random % this.#intervalMs;
    this.#intervalMs = Math.min(2 * this.#intervalMs, this.#mostMs);
    return delay;
  }

  #decide(holds: (condition: Condition) => boolean): RetryDecision {
    if (!this.#conditions.some(holds)) return "no";
    if (this.#left === 0) return "exhausted";
    this.#left--;
    return "retry";
  }
}

const noHeaders: ReadonlySet<string> = new Set();

function numberOf(text: string): number | null {
  return /^\s*\d+\s*$/.test(text) ? Number(text) : null;
}
