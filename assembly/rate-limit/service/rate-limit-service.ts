import { ConfigReader, GrpcCall, GrpcRequest, istioCluster, ProtobufWriter } from "@attache/sdk";
import { Limit } from "../limit";

const NS_PER_MS: i64 = 1_000_000;
/** Envoy's own. */
const DEFAULT_TIMEOUT: i64 = 20 * NS_PER_MS;
const LONGEST_TIMEOUT: i64 = 60_000 * NS_PER_MS;

/** Counts for several proxies: `envoy.service.ratelimit.v3.RateLimitService`, which the global limits of a request are put to. */
@final
export class RateLimitService {
  private readonly domain: string;
  private readonly cluster: string;
  private readonly timeoutMs: u32;
  private readonly message: ProtobufWriter = new ProtobufWriter();
  /** What the first limit of the message takes, and with it all of which nothing else is said. */
  private cost: u64 = 0;

  /** @param config of the whole filter */
  constructor(config: ConfigReader) {
    this.domain = textOf(config.required("domain"));
    const service = config.object("rateLimitService");
    this.cluster = readCluster(service.required("grpc").asObject());
    this.timeoutMs = <u32>(service.duration("timeout", DEFAULT_TIMEOUT, NS_PER_MS, LONGEST_TIMEOUT) / NS_PER_MS);
  }

  /** Begins a question. */
  begin(): void {
    this.message.clear();
    this.message.text(1, this.domain);
    this.cost = 0;
  }

  /** Adds the descriptor of a limit, which has just read its key. */
  add(limit: Limit): void {
    if (this.cost == 0) this.cost = limit.takes;
    this.message.message(2, limit.describe(this.cost));
  }

  /** Asks about all that were added; `false` when the proxy cannot. */
  send(call: GrpcCall): bool {
    const request = new GrpcRequest(this.cluster, "envoy.service.ratelimit.v3.RateLimitService", "ShouldRateLimit");
    const hits = <u32>min<u64>(this.cost, u32.MAX_VALUE);
    return call.send(request.timeout(this.timeoutMs), this.message.uint32(3, hits).written());
  }
}

/** `cluster`, or `service` and `port` of Istio's. */
function readCluster(config: ConfigReader): string {
  if (config.has("service")) {
    if (config.has("cluster")) config.error("give either cluster or service");
    const host = textOf(config.get("service"));
    return istioCluster(host, <i32>config.required("port").asInteger(1, 65_535));
  }
  return textOf(config.required("cluster"));
}

function textOf(config: ConfigReader): string {
  const text = config.asString();
  if (config.isPresent && text.length == 0) config.error("must not be empty");
  return text;
}
