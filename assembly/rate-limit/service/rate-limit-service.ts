import { ConfigReader, Counter, HeldStream, istioCluster } from "@attache/sdk";
import { exactlyOne } from "../exactly-one";
import { Limit } from "../limit";
import { LimitedStream } from "../limited-stream";
import { ServiceCode, ServiceReply } from "./service-reply";

const NS_PER_MS: i64 = 1_000_000;
/** Envoy's own. */
const DEFAULT_TIMEOUT: i64 = 20 * NS_PER_MS;
const LONGEST_TIMEOUT: i64 = 60_000 * NS_PER_MS;

/** Counts for several proxies: `envoy.service.ratelimit.v3.RateLimitService`, which the global limits of a request are put to. */
export abstract class RateLimitService {
  protected readonly domain: string;
  protected readonly cluster: string;
  protected readonly timeoutMs: u32;
  /** What the first limit of a question takes, and with it all of which nothing else is said. */
  protected cost: u64 = 0;
  /** The plugin's own context: a stream may be gone before the service has heard of it. */
  private readonly plugin: HeldStream = new HeldStream();
  private readonly reportErrors: Counter = new Counter("rate_limit.report_error");

  /**
   * To be made in `configure`.
   *
   * @param config of the whole filter
   * @param target how the service is reached
   */
  constructor(config: ConfigReader, target: ConfigReader) {
    this.domain = textOf(config.required("domain"));
    this.cluster = readCluster(target);
    const timeout = config.object("rateLimitService").duration("timeout", DEFAULT_TIMEOUT, NS_PER_MS, LONGEST_TIMEOUT);
    this.timeoutMs = <u32>(timeout / NS_PER_MS);
  }

  /** Begins a question. */
  begin(): void {
    this.cost = 0;
    this.open();
  }

  /** Adds the descriptor of a limit, which has just read its key. */
  add(limit: Limit): void {
    if (this.cost == 0) this.cost = limit.takes;
    this.describe(limit);
  }

  /** Asks about all that were added; `false` when the proxy cannot. The stream, if there is one, continues with the answer. */
  abstract send(stream: LimitedStream | null): bool;

  /** Tells what all that were added take, on behalf of the plugin: nobody waits for the answer. */
  report(): void {
    const stream = new HeldStream();
    this.plugin.act();
    if (!this.send(null)) this.reportErrors.increment();
    stream.act();
  }

  /** @param reply `null` when there is none */
  answered(stream: LimitedStream | null, reply: ServiceReply | null): void {
    if (stream !== null) stream.continueWith(reply);
    else if (reply === null || reply.code == ServiceCode.Unknown) this.reportErrors.increment();
  }

  /** Whether the hits of a limit are said with its descriptor. What all share is said once, but for 0, which there means 1. */
  protected saysHits(limit: Limit): bool {
    return limit.takes != this.cost || limit.takes == 0;
  }

  protected abstract open(): void;

  protected abstract describe(limit: Limit): void;
}

/** `cluster`, or `service` and `port` of Istio's. */
function readCluster(config: ConfigReader): string {
  const hasService = config.has("service");
  exactlyOne(config, <i32>hasService + <i32>config.has("cluster"), "cluster and service");
  if (!hasService) return textOf(config.get("cluster"));
  return istioCluster(textOf(config.get("service")), <i32>config.required("port").asInteger(1, 65_535));
}

/** `""` when it is absent. */
function textOf(config: ConfigReader): string {
  if (!config.isPresent) return "";
  const text = config.asString();
  if (text.length == 0) config.error("must not be empty");
  return text;
}
