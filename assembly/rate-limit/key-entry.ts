import { ByteView, getPropertyAt, JsonDocument, JsonKind, pathEnd, queryParameter, RequestHeaders, Text, UriTemplate } from "@attache/sdk"; // prettier-ignore
import { findCookie } from "@attache/istio";
import { ClientAddress } from "./client-address";
import { MaskedAddress } from "./masked-address";
import { RequestMatches } from "./request-matches";

/** What a request without the value of an entry means. */
export const enum OnMissing {
  /** The limit does not apply to it. */
  SkipLimit,
  /** The key does without this entry. */
  SkipEntry,
  /** All such requests have the empty value. */
  UseEmpty,
  /** It is answered as if it were over the limit. */
  Reject,
}

/** One part of what tells the users of a limit apart. */
export abstract class KeyEntry {
  /** What overrides call it. */
  name: string = "";
  onMissing: OnMissing = OnMissing.SkipLimit;
  /** For the hash of what a configuration means. */
  definition: string = "";

  /** The value of this request, or `null` when it has none. Valid until the callback returns. */
  abstract find(headers: RequestHeaders): ByteView | null;
}

/** The same value for all requests. */
@final
export class GenericKey extends KeyEntry {
  private readonly text: Text;

  constructor(value: string) {
    super();
    this.text = new Text(value);
  }

  override find(headers: RequestHeaders): ByteView | null {
    return this.text.view;
  }
}

/** All values of a header, joined by commas; an empty one is none. */
@final
export class HeaderEntry extends KeyEntry {
  private readonly header: Text;

  constructor(name: string) {
    super();
    this.header = new Text(name);
  }

  override find(headers: RequestHeaders): ByteView | null {
    return notEmpty(headers.getJoinedOf(this.header));
  }
}

/** The first value of a query parameter, decoded. */
@final
export class QueryEntry extends KeyEntry {
  constructor(private readonly parameter: string) {
    super();
  }

  override find(headers: RequestHeaders): ByteView | null {
    const path = headers.getBytes(":path");
    return path === null ? null : notEmpty(queryParameter(path, this.parameter));
  }
}


@final
export class CookieEntry extends KeyEntry {
  private readonly cookie: Text;

  constructor(name: string) {
    super();
    this.cookie = new Text(name);
  }

  override find(headers: RequestHeaders): ByteView | null {
    return notEmpty(findCookie(headers, this.cookie));
  }
}


@final
export class AddressEntry extends KeyEntry {
  constructor(
    private readonly client: ClientAddress,
    private readonly mask: MaskedAddress,
  ) {
    super();
  }

  override find(headers: RequestHeaders): ByteView | null {
    const address = this.client.find(headers);
    return address === null ? null : this.mask.print(address);
  }
}

/** The path without its query, or the first template that it matches. */
@final
export class PathEntry extends KeyEntry {
  private readonly other: Text = new Text("other");

  constructor(
    private readonly templates: UriTemplate[],
    private readonly texts: Text[],
  ) {
    super();
  }

  override find(headers: RequestHeaders): ByteView | null {
    const path = headers.getBytes(":path");
    if (path === null) return null;
    const end = pathEnd(path);
    const templates = this.templates;
    if (templates.length == 0) return path.slice(0, end);
    let text = this.other;
    for (let index = 0; index < templates.length; index++) {
      if (!unchecked(templates[index]).matches(path.start, end)) continue;
      text = unchecked(this.texts[index]);
      break;
    }
    return text.view;
  }
}

/** `:authority` in lower case, without its port. */
@final
export class HostEntry extends KeyEntry {
  override find(headers: RequestHeaders): ByteView | null {
    const authority = notEmpty(headers.getBytes(":authority"));
    if (authority === null) return null;
    const bracket = authority.indexOf(0x5d);
    const colon = authority.indexOf(0x3a, bracket + 1);
    return authority.slice(0, colon < 0 ? authority.length : colon).toLowerCase();
  }
}


@final
export class MethodEntry extends KeyEntry {
  override find(headers: RequestHeaders): ByteView | null {
    return headers.getBytes(":method");
  }
}

/** An attribute of the proxy; an empty one is none. */
@final
export class AttributeEntry extends KeyEntry {
  /** @param path segments separated by NUL */
  constructor(private readonly path: string) {
    super();
  }

  override find(headers: RequestHeaders): ByteView | null {
    return notEmpty(getPropertyAt(this.path));
  }
}

/** A value for requests that match, or that do not. */
@final
export class MatchEntry extends KeyEntry {
  private readonly text: Text;

  constructor(
    private readonly match: RequestMatches,
    private readonly expected: bool,
    value: string,
  ) {
    super();
    this.text = new Text(value);
  }

  override find(headers: RequestHeaders): ByteView | null {
    return this.match.matches(headers) == this.expected ? this.text.view : null;
  }
}

/** Who the client is: issuer and subject of a verified token, else the identity in its certificate. */
@final
export class ConsumerEntry extends KeyEntry {
  private readonly issuer: ClaimEntry = new ClaimEntry(["iss"]);
  private readonly subject: ClaimEntry = new ClaimEntry(["sub"]);
  private readonly peer: AttributeEntry = new AttributeEntry("connection\0uri_san_peer_certificate");

  override find(headers: RequestHeaders): ByteView | null {
    const subject = this.subject.find(headers);
    const issuer: ByteView | null = subject === null ? null : this.issuer.find(headers);
    if (subject === null || issuer === null) return this.peer.find(headers);
    return issuer.concat(ByteView.ofText("/")).concat(subject);
  }
}

/** A claim of a verified token: text, a number or truth. */
@final
export class ClaimEntry extends KeyEntry {
  /** As `envoy.filters.http.jwt_authn` publishes it. */
  private readonly attribute: string;
  private readonly document: JsonDocument = new JsonDocument();

  constructor(private readonly path: string[]) {
    super();
    let attribute = "metadata\0filter_metadata\0envoy.filters.http.jwt_authn\0payload";
    for (let index = 0; index < path.length; index++) attribute += "\0" + path[index];
    this.attribute = attribute;
  }

  override find(headers: RequestHeaders): ByteView | null {
    const value = notEmpty(getPropertyAt(this.attribute));
    if (value !== null) return value;
    // As auth-policy does.
    const payload = getPropertyAt("jwt_payload");
    if (payload === null) return null;
    const document = this.document;
    document.parse(payload.start, payload.length);
    let claim = document.root;
    for (let index = 0; index < this.path.length; index++) claim = claim.member(unchecked(this.path[index]));
    return claim.length == 0 || claim.kind == JsonKind.Null || claim.kind >= JsonKind.Array
      ? null
      : ByteView.of(claim.start, claim.length);
  }
}

function notEmpty(value: ByteView | null): ByteView | null {
  return value === null || value.length == 0 ? null : value;
}
