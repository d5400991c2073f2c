import { CalloutRefusal, ConfigReader, istioCluster } from "@attache/sdk";
import { CheckedStream } from "../checked-stream";
import { RuleSet } from "../rule-set";

const NS_PER_MS: i64 = 1_000_000;
const DEFAULT_TIMEOUT: i64 = 5_000 * NS_PER_MS;
const LONGEST_TIMEOUT: i64 = 600_000 * NS_PER_MS;
const LONGEST_BODY: i64 = 1 << 20;

/** A service that `CUSTOM` policies have a say in what may pass: one of Istio's `extensionProviders`. */
export abstract class Authorizer {
  /** Of the policies that name it. */
  readonly rules: RuleSet = new RuleSet(true);
  readonly cluster: string;
  /** Of the cluster: a host name where the configuration has one. */
  readonly host: string;
  readonly timeoutMs: u32;
  /** Whether requests pass that the service says nothing of. */
  readonly failsOpen: bool;
  /** Of the answer to requests that it says nothing of. */
  readonly statusOnError: i32;
  /** Bytes of the body that it wants to see; 0 for none. */
  readonly bodyLimit: i32;
  /** Whether the first bytes of a longer body will do. */
  readonly takesPartialBody: bool;
  /** Whether the body goes as bytes, not as text. */
  readonly packsBytes: bool;

  constructor(
    readonly name: string,
    config: ConfigReader,
  ) {
    const hasService = config.has("service");
    if (hasService && config.has("cluster")) config.error("give either cluster or service");
    const target = hasService ? config.get("service") : config.required("cluster");
    const text = target.asString();
    if (target.isPresent && text.length == 0) target.error("must not be empty");
    // Istio's form is `[<namespace>/]<host>`.
    const host = hasService ? text.substring(text.indexOf("/") + 1) : text;
    this.host = host;
    this.cluster = hasService ? istioCluster(host, <i32>config.required("port").asInteger(1, 65_535)) : host;
    this.timeoutMs = <u32>(config.duration("timeout", DEFAULT_TIMEOUT, NS_PER_MS, LONGEST_TIMEOUT) / NS_PER_MS);
    this.failsOpen = config.bool("failOpen", false);
    this.statusOnError = <i32>config.integer("statusOnError", 403, 200, 599);
    const body = config.object("includeRequestBodyInCheck");
    this.bodyLimit = body.isPresent ? <i32>body.required("maxRequestBytes").asInteger(1, LONGEST_BODY) : 0;
    this.takesPartialBody = body.bool("allowPartialMessage", false);
    this.packsBytes = body.bool("packAsBytes", false);
    config.ignore("clearRouteCache");
  }

  /** Asks about the request of `stream`, which is told the answer later; why the proxy cannot, or `None`. */
  abstract ask(stream: CheckedStream): CalloutRefusal;
}
