import { ByteView, ConfigReader, currentTimeNs, decimal, getPropertyAt, JsonKind, randomU64, Text } from "@attache/sdk";
import { findCookie, RequestFacts, split } from "@attache/istio";
import { headerValue, isToken } from "./header-text";

const enum Source {
  Header,
  Cookie,
  Claim,
  RemoteAddress,
}

/** Something in a request that stays the same for a user. */
@final
export class StickyKey {
  private source: Source = Source.Header;
  /** Of header or cookie. */
  private name: Text = new Text("");
  private claim: string[] = [];
  /** What follows the value in `set-cookie`; `null` when a user without the cookie is not given one. */
  private attributes: string | null = null;

  constructor(config: ConfigReader) {
    let given = 0;
    if (config.has("header")) given += this.readName(config.get("header"), Source.Header);
    if (config.has("cookie")) given += this.readName(config.get("cookie"), Source.Cookie);
    if (config.has("claim")) {
      given += this.readName(config.get("claim"), Source.Claim);
      this.claim = split(config.string("claim", ""), ".");
    }
    if (config.bool("remoteAddress", false)) {
      given += 1;
      this.source = Source.RemoteAddress;
    }
    if (given != 1) config.error("exactly one of header, cookie, claim and remoteAddress must be given");
    if (config.has("ttl")) this.readCookie(config);
  }

  /** The key of this request, or `null` when it has none or an empty one. */
  find(facts: RequestFacts): ByteView | null {
    const value = this.read(facts);
    return value === null || value.length == 0 ? null : value;
  }

  /** The value of `set-cookie` that gives a user the key `id`, or `null` when this is no cookie to be given. */
  cookieFor(id: string): string | null {
    const attributes = this.attributes;
    return attributes === null ? null : this.name.view.toString() + "=" + id + attributes;
  }

  private readName(config: ConfigReader, source: Source): i32 {
    const name = config.asString();
    if (config.isPresent && name.length == 0) config.error("must not be empty");
    else if (config.isPresent && source != Source.Claim && !isToken(name))
      config.error("is not a name: blanks, = and ; are none");
    this.source = source;
    this.name = new Text(name);
    return 1;
  }

  private readCookie(config: ConfigReader): void {
    const seconds = config.duration("ttl", 0) / 1_000_000_000;
    const path = config.string("path", "/");
    headerValue(config.get("path"), path);
    if (this.source != Source.Cookie) config.get("ttl").error("is for a cookie only");
    const age = seconds == 0 ? "" : "; Max-Age=" + decimal(seconds);
    this.attributes = age + "; Path=" + path + "; HttpOnly; SameSite=Lax";
  }

  private read(facts: RequestFacts): ByteView | null {
    switch (this.source) {
      case Source.Header:
        return facts.headers.getBytesOf(this.name);
      case Source.Cookie:
        return findCookie(facts.headers, this.name);
      case Source.Claim: {
        let claim = facts.claims;
        for (let index = 0; index < this.claim.length; index++) claim = claim.member(this.claim[index]);
        return claim.kind == JsonKind.String || claim.kind == JsonKind.Number
          ? ByteView.of(claim.start, claim.length)
          : null;
      }
      default:
        return withoutPort(getPropertyAt("source\0address"));
    }
  }
}

/** The keys to look for, in order; the first that a request has is used. */
@final
export class StickyKeys {
  /** `set-cookie` for the answer to this request, or `null`. */
  newCookie: string | null = null;
  private newId: string = "";
  private readonly keys: StickyKey[] = [];

  constructor(config: ConfigReader) {
    for (let index = 0; index < config.length; index++) this.keys.push(new StickyKey(config.at(index).asObject()));
  }

  /** Turns to another request. */
  begin(): void {
    this.newCookie = null;
  }

  /** The key of a request, or of a cookie that the user is given with the answer; `null` when there is none. */
  find(facts: RequestFacts): ByteView | null {
    const keys = this.keys;
    if (this.newCookie !== null) return ByteView.ofText(this.newId);
    for (let index = 0; index < keys.length; index++) {
      const key = unchecked(keys[index]).find(facts);
      if (key !== null) return key;
    }
    for (let index = 0; index < keys.length; index++) {
      this.newId = decimal((currentTimeNs() ^ randomU64()) >>> 1);
      this.newCookie = unchecked(keys[index]).cookieFor(this.newId);
      if (this.newCookie !== null) return ByteView.ofText(this.newId);
    }
    return null;
  }
}

function withoutPort(address: ByteView | null): ByteView | null {
  if (address === null) return null;
  let colon = address.length - 1;
  while (colon > 0 && address.at(colon) != 0x3a) colon--;
  return colon > 0 ? address.slice(0, colon) : address;
}
