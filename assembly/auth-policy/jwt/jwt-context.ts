import { ConfigReader, Plugin } from "@attache/sdk";
import { Token } from "./token";

const SECOND: i64 = 1_000_000_000;

/** What the rules for tokens are read with. */
export class JwtContext {
  /** Where all rules read tokens into. */
  readonly token: Token = new Token();
  /** Seconds of leeway for the times of tokens. */
  readonly skew: i64;
  /** Verified tokens that each rule remembers. */
  readonly mostCachedTokens: i32;
  /** Milliseconds after which fetched keys are fetched again. */
  readonly refreshMs: u32;

  /** Whether a token that no rule is for counts as none. */
  readonly ignoresUnknownIssuers: bool;

  /** Nanoseconds for which a token that names an unknown key does not have them fetched again. */
  readonly refetchNs: u64;

  constructor(
    readonly plugin: Plugin,
    options: ConfigReader,
  ) {
    this.skew = options.duration("clockSkew", 60 * SECOND, 0, 3600 * SECOND) / SECOND;
    this.mostCachedTokens = <i32>options.integer("cachedTokens", 256, 0, 65_536);
    this.refreshMs = <u32>(options.duration("jwksRefresh", 300 * SECOND, SECOND, 86_400 * SECOND) / 1_000_000);
    this.ignoresUnknownIssuers = options.oneOf("unknownIssuer", ["reject", "ignore"], 0) == 1;
    this.refetchNs = <u64>options.duration("jwksRefetch", 10 * SECOND, SECOND, 3600 * SECOND);
  }
}
