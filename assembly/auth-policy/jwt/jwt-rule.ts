import { ByteView, ConfigReader, currentTimeNs, JsonKind, JsonNode, RequestHeaders, Text } from "@attache/sdk";
import { Claims } from "../claims";
import { lowerCase } from "../lower-case";
import { checkOutputName, ClaimHeader, readClaimHeaders } from "./claim-header";
import { Jwks } from "./jwks";
import { readJwksLocation, readTimeout } from "./jwks-location";
import { JwtContext } from "./jwt-context";
import { JwtStatus } from "./jwt-status";
import { RemoteJwks } from "./remote-jwks";
import { NO_TIME } from "./token";
import { TokenCache } from "./token-cache";
import { readLocations, TokenLocation, TokenVisitor } from "./token-location";

/** Istio's `JWTRule`: the tokens of one issuer. */
@final
export class JwtRule extends TokenVisitor {
  readonly issuer: string;
  readonly locations: TokenLocation[];
  readonly claimHeaders: ClaimHeader[];
  readonly payloadHeader: Text | null;
  private readonly forwards: bool;
  private readonly audiences: Text[];
  private readonly delimited: string[];
  private readonly requiresExpiration: bool;
  /** Seconds for which a token may be valid still. */
  private readonly longestLifetime: i64;
  /** The keys; `null` when they are {@link remote}. */
  private readonly jwks: Jwks | null;
  /** Keys that are fetched; `null` when they are in the configuration. */
  readonly remote: RemoteJwks | null;
  private readonly cache: TokenCache;
  /** Where the next token is read into, so that one that is refused leaves no garbage. */
  private next: Claims;
  private found: Claims | null = null;
  private status: JwtStatus = JwtStatus.Ok;
  private count: i32 = 0;
  /** Tokens of other issuers that are passed over. */
  private ignored: i32 = 0;

  constructor(
    config: ConfigReader,
    private readonly context: JwtContext,
  ) {
    super();
    const cache = new TokenCache(context.mostCachedTokens, MOST_CACHED_BYTES);
    this.cache = cache;
    const issuer = config.string("issuer", "");
    this.issuer = issuer;
    this.audiences = readAudiences(config.array("audiences"));
    this.locations = readLocations(config);
    this.forwards = config.bool("forwardOriginalToken", false);
    this.payloadHeader = readPayloadHeader(config);
    this.claimHeaders = readClaimHeaders(config.array("outputClaimToHeaders"));
    const delimited = readDelimited(config.array("spaceDelimitedClaims"));
    this.delimited = delimited;
    const isLimited = config.has("maxLifetime");
    const longest = config.duration("maxLifetime", LONGEST_LIFETIME, SECOND, LONGEST_LIFETIME) / SECOND;
    this.longestLifetime = isLimited ? longest : i64.MAX_VALUE;
    this.requiresExpiration = config.bool("requireExpiration", false) || isLimited;
    this.next = new Claims(delimited);
    if (issuer.length == 0) config.error("issuer or jwksUri must be non-empty string");
    const isInline = config.has("jwks");
    this.jwks = isInline ? readJwks(config) : null;
    this.remote = isInline ? null : new RemoteJwks(readJwksLocation(config, issuer), issuer, context, cache);
  }

  /** The claims of the token that is judged last, if all tokens of the request are valid; `null` otherwise. */
  authenticate(headers: RequestHeaders): Claims | null {
    this.found = null;
    this.status = JwtStatus.Ok;
    this.count = 0;
    this.ignored = 0;
    const locations = this.locations;
    for (let index = 0; index < locations.length; index++) {
      if (!unchecked(locations[index]).visit(headers, this)) return null;
    }
    return this.found;
  }

  /** After {@link authenticate}: how many tokens there are that the rule judges. */
  get tokens(): i32 {
    return this.count;
  }

  /** After {@link authenticate}: what is wrong with the first token that is not valid. */
  get problem(): JwtStatus {
    return this.status;
  }

  visitToken(text: ByteView): bool {
    const isOver = this.count + this.ignored == MOST_TOKENS;
    const status = isOver ? JwtStatus.TooMany : this.check(text);
    this.passedOver = status == JwtStatus.UnknownIssuer && this.context.ignoresUnknownIssuers;
    if (this.passedOver) {
      this.ignored += 1;
      return true;
    }
    this.count += 1;
    this.status = status;
    return status == JwtStatus.Ok;
  }

  /** Does to the request what the rule asks for, now that its token is valid. */
  apply(headers: RequestHeaders, claims: Claims): void {
    const locations = this.locations;
    if (!this.forwards) {
      for (let index = 0; index < locations.length; index++) unchecked(locations[index]).remove(headers);
    }
    const payloadHeader = this.payloadHeader;
    if (payloadHeader !== null) headers.setOf(payloadHeader, claims.encodedPayload);
    const claimHeaders = this.claimHeaders;
    const values = claims.headerValues;
    while (values.length < claimHeaders.length) values.push(claimHeaders[values.length].valueOf(claims));
    for (let index = 0; index < claimHeaders.length; index++) {
      const value = unchecked(values[index]);
      if (value !== null) headers.setOf(unchecked(claimHeaders[index]).name, value);
    }
  }

  private check(text: ByteView): JwtStatus {
    const known = this.cache.get(text);
    if (known !== null) {
      const timing = this.checkTime(known.expires, known.notBefore);
      if (timing == JwtStatus.Ok) this.found = known.claims;
      return timing;
    }
    const claims = this.next;
    const token = this.context.token;
    const reading = token.read(text, claims);
    if (reading != JwtStatus.Ok) return reading;
    const root = claims.document.root;
    if (!root.member("iss").equals(this.issuer)) return JwtStatus.UnknownIssuer;
    const timing = this.checkTime(token.expires, token.notBefore);
    if (timing != JwtStatus.Ok) return timing;
    if (!this.isLifetimeAllowed(token.expires)) return JwtStatus.LifetimeNotAllowed;
    if (!this.isMeantFor(root.member("aud"))) return JwtStatus.AudienceNotAllowed;
    const verifying = this.verify();
    if (verifying != JwtStatus.Ok) return verifying;
    const firstDot = text.indexOf(0x2e);
    claims.encodedPayload = Text.ofBytes(text.slice(firstDot + 1, text.indexOf(0x2e, firstDot + 1)));
    claims.payload = Text.ofBytes(token.payload);
    // Also when it is not kept: the claims of a request must outlast its next token.
    this.next = new Claims(this.delimited);
    this.cache.add(text, claims, token.expires, token.notBefore);
    this.found = claims;
    return JwtStatus.Ok;
  }

  private verify(): JwtStatus {
    const remote = this.remote;
    const jwks = remote === null ? this.jwks : remote.jwks;
    if (jwks === null) return remote!.isAwaited ? JwtStatus.KeysAwaited : JwtStatus.KeysNotFetched;
    const token = this.context.token;
    const status = jwks.verify(token.algorithm, token.keyId, token.message, token.signature);
    if (status == JwtStatus.Ok || remote === null || token.keyId.length == 0) return status;
    // Keys without a name were tried; the one that is named may be new.
    const isNewKey = status == JwtStatus.NoKey || !jwks.has(token.keyId);
    return isNewKey && remote.renew() ? JwtStatus.KeysAwaited : status;
  }

  private checkTime(expires: i64, notBefore: i64): JwtStatus {
    const now = <i64>(currentTimeNs() / 1_000_000_000);
    // Without a clock nothing is known to be valid still.
    if (now == 0) return JwtStatus.Expired;
    // In Envoy's order.
    if (notBefore != NO_TIME && now + this.context.skew < notBefore) return JwtStatus.NotYetValid;
    return expires != NO_TIME && now - this.context.skew > expires ? JwtStatus.Expired : JwtStatus.Ok;
  }

  /** What is allowed once is so later: less is left of it. */
  private isLifetimeAllowed(expires: i64): bool {
    if (expires == NO_TIME) return !this.requiresExpiration;
    return expires - <i64>(currentTimeNs() / 1_000_000_000) <= this.longestLifetime;
  }

  private isMeantFor(audience: JsonNode): bool {
    if (this.audiences.length == 0) return true;
    if (audience.kind == JsonKind.String) return this.isAudience(audience);
    if (audience.kind != JsonKind.Array || audience.count == 0) return false;
    let element = audience.first;
    for (let left = audience.count; left > 0; left--) {
      if (this.isAudience(element)) return true;
      element = element.next;
    }
    return false;
  }

  private isAudience(node: JsonNode): bool {
    const audience = withoutScheme(ByteView.of(node.start, node.length));
    for (let index = 0; index < this.audiences.length; index++) {
      const wanted = unchecked(this.audiences[index]);
      if (audience.length == wanted.length && memory.compare(audience.start, wanted.encoded, wanted.length) == 0) {
        return true;
      }
    }
    return false;
  }
}

const SECOND: i64 = 1_000_000_000;
/** The longest that can be asked for: a hundred years. */
const LONGEST_LIFETIME: i64 = 36_525 * 86_400 * SECOND;

/** Of the tokens that a rule remembers. */
const MOST_CACHED_BYTES: i32 = 262_144;

/** More tokens in one request are not verified: each can cost milliseconds. */
const MOST_TOKENS: i32 = 8;

/** An audience is the same with and without `http://` or `https://` in front and a slash behind. */
function withoutScheme(audience: ByteView): ByteView {
  const scheme = audience.startsWith("https://") ? 8 : audience.startsWith("http://") ? 7 : 0;
  const end = audience.at(audience.length - 1) == 0x2f ? audience.length - 1 : audience.length;
  return audience.slice(scheme, end);
}

function readAudiences(config: ConfigReader): Text[] {
  const audiences: Text[] = [];
  for (let index = 0; index < config.length; index++) {
    const audience = config.at(index).asString();
    if (audience.length == 0) config.at(index).error("audience must be non-empty string");
    audiences.push(new Text(withoutScheme(ByteView.ofText(audience)).toString()));
  }
  return audiences;
}

function readDelimited(config: ConfigReader): string[] {
  const names = ["scope", "permission"];
  for (let index = 0; index < config.length; index++) names.push(config.at(index).asString());
  return names;
}

function readPayloadHeader(config: ConfigReader): Text | null {
  const name = config.string("outputPayloadToHeader", "");
  checkOutputName(config.get("outputPayloadToHeader"), name);
  return name.length == 0 ? null : new Text(lowerCase(name));
}

/** The keys in the configuration itself. */
function readJwks(config: ConfigReader): Jwks {
  const member = config.get("jwks");
  if (config.has("jwksUri")) config.error("only one of jwks or jwksUri can be set");
  config.string("cluster", "");
  readTimeout(config);
  const isText = member.kind == JsonKind.String;
  const jwks = new Jwks(ByteView.ofText(member.asString()), false);
  if (!isText) return jwks;
  const problem = jwks.problem;
  if (problem !== null) member.error(problem);
  for (let index = 0; index < jwks.remarks.length; index++) member.warn(jwks.remarks[index]);
  return jwks;
}
