import { ByteView, ConfigReader, getPropertyAt, pathEnd, queryParameter, RequestHeaders, requestCookie, Text, UriTemplate } from "@attache/sdk"; // prettier-ignore
import { ClientAddress } from "./client-address";
import { decimal } from "./decimal";
import { MaskedAddress } from "./masked-address";

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
class GenericKey extends KeyEntry {
  private readonly text: Text;

  constructor(value: string) {
    super();
    this.text = new Text(value);
  }

  override find(headers: RequestHeaders): ByteView | null {
    return ByteView.of(this.text.encoded, this.text.length);
  }
}

/** All values of a header, joined by commas; an empty one is none. */
@final
class HeaderEntry extends KeyEntry {
  private readonly header: Text;

  constructor(name: string) {
    super();
    this.header = new Text(name);
  }

  override find(headers: RequestHeaders): ByteView | null {
    const value = headers.getJoinedOf(this.header);
    return value === null || value.length == 0 ? null : value;
  }
}

/** The first value of a query parameter, decoded. */
@final
class QueryEntry extends KeyEntry {
  constructor(private readonly parameter: string) {
    super();
  }

  override find(headers: RequestHeaders): ByteView | null {
    const path = headers.getBytes(":path");
    const value: ByteView | null = path === null ? null : queryParameter(path, this.parameter);
    return value === null || value.length == 0 ? null : value;
  }
}


@final
class CookieEntry extends KeyEntry {
  constructor(private readonly cookie: string) {
    super();
  }

  override find(headers: RequestHeaders): ByteView | null {
    const value = requestCookie(headers, this.cookie);
    return value === null || value.length == 0 ? null : value;
  }
}


@final
class AddressEntry extends KeyEntry {
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
class PathEntry extends KeyEntry {
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
    return ByteView.of(text.encoded, text.length);
  }
}

/** `:authority` in lower case, without its port. */
@final
class HostEntry extends KeyEntry {
  override find(headers: RequestHeaders): ByteView | null {
    const authority = headers.getBytes(":authority");
    if (authority === null || authority.length == 0) return null;
    const bracket = authority.indexOf(0x5d);
    const colon = authority.indexOf(0x3a, bracket + 1);
    return lowerCase(authority.slice(0, colon < 0 ? authority.length : colon));
  }
}

/** The bytes themselves, or a copy if they have upper-case letters. */
function lowerCase(text: ByteView): ByteView {
  let index = 0;
  while (index < text.length && text.at(index) - 0x41 >= 26) index++;
  if (index == text.length) return text;
  const copy = new Uint8Array(text.length);
  memory.copy(copy.dataStart, text.start, text.length);
  const lower = ByteView.from(copy);
  for (; index < text.length; index++) {
    const byte = text.at(index);
    if (byte - 0x41 < 26) lower.setAt(index, byte | 0x20);
  }
  return lower;
}


@final
class MethodEntry extends KeyEntry {
  override find(headers: RequestHeaders): ByteView | null {
    return headers.getBytes(":method");
  }
}

/** An attribute of the proxy; an empty one is none. */
@final
class AttributeEntry extends KeyEntry {
  /** @param path segments separated by NUL */
  constructor(private readonly path: string) {
    super();
  }

  override find(headers: RequestHeaders): ByteView | null {
    const value = getPropertyAt(this.path);
    return value === null || value.length == 0 ? null : value;
  }
}

/** Reads one entry: an object with exactly one of the kinds, and perhaps `name` and `onMissing`. */
export function readKeyEntry(config: ConfigReader, client: ClientAddress): KeyEntry {
  const reader = new KeyEntryReader(config, client);
  const entry = reader.read();
  if (reader.kinds != 1) config.error("exactly one kind of entry must be given, such as header or remoteAddress");
  entry.name = config.string("name", reader.name);
  entry.onMissing = config.oneOf("onMissing", ["skipLimit", "skipEntry", "useEmpty", "reject"], OnMissing.SkipLimit);
  entry.definition = reader.definition;
  return entry;
}


@final
class KeyEntryReader {
  kinds: i32 = 0;
  name: string = "";
  definition: string = "";

  constructor(
    private readonly config: ConfigReader,
    private readonly client: ClientAddress,
  ) {}

  read(): KeyEntry {
    const config = this.config;
    let entry: KeyEntry = new GenericKey("");
    if (this.has("genericKey")) entry = new GenericKey(this.text("genericKey", "genericKey"));
    if (this.has("header")) entry = new HeaderEntry(this.text("header", ""));
    if (this.has("query")) entry = new QueryEntry(this.text("query", ""));
    if (this.has("cookie")) entry = new CookieEntry(this.text("cookie", ""));
    if (this.has("claim")) entry = this.claim();
    if (this.has("metadata")) entry = this.metadata();
    if (this.has("remoteAddress")) entry = this.address("remoteAddress", 32, 128);
    if (this.has("maskedRemoteAddress")) entry = this.address("maskedRemoteAddress", 24, 64);
    if (this.plain("path")) entry = new PathEntry([], []);
    if (this.has("pathTemplate")) entry = this.pathTemplate();
    if (this.plain("host")) entry = new HostEntry();
    if (this.plain("method")) entry = new MethodEntry();
    if (this.plain("route")) entry = new AttributeEntry("xds\0route_name");
    if (this.plain("connection")) entry = new AttributeEntry("connection\0id");
    if (this.plain("principal")) entry = new AttributeEntry("connection\0uri_san_peer_certificate");
    if (this.plain("sourceCluster")) entry = new AttributeEntry("xds\0node\0cluster");
    if (this.plain("destinationCluster")) entry = new AttributeEntry("xds\0cluster_name");
    return entry;
  }

  private has(kind: string): bool {
    if (!this.config.has(kind)) return false;
    this.kinds += 1;
    this.name = kind;
    this.definition = kind;
    return true;
  }

  /** A kind without anything to say about it: `{}`. */
  private plain(kind: string): bool {
    return this.has(kind) && this.config.object(kind).isPresent;
  }

  private text(kind: string, name: string): string {
    const value = this.config.string(kind, "");
    if (value.length == 0 || value.includes("\0")) this.config.get(kind).error("must not be empty or hold NUL");
    this.name = name.length > 0 ? name : value;
    this.definition = kind + "=" + value;
    return value;
  }

  /** What the filter `envoy.filters.http.jwt_authn` verified and published under `payload`. */
  private claim(): KeyEntry {
    const claim = this.text("claim", "");
    return new AttributeEntry("metadata\0filter_metadata\0envoy.filters.http.jwt_authn\0payload\0" + nested(claim)); // prettier-ignore
  }

  private metadata(): KeyEntry {
    const config = this.config.object("metadata");
    let path = "metadata\0filter_metadata\0" + config.required("filter").asString();
    const keys = config.required("path").asArray();
    for (let index = 0; index < keys.length; index++) path += "\0" + keys.at(index).asString();
    this.definition = path;
    return new AttributeEntry(path);
  }

  private address(kind: string, v4: i64, v6: i64): KeyEntry {
    const config = this.config.object(kind);
    const isMasked = v6 < 128;
    const bits4 = <i32>(isMasked ? config.integer("v4", v4, 1, 32) : v4);
    const bits6 = <i32>(isMasked ? config.integer("v6", v6, 1, 128) : v6);
    this.definition = kind + decimal(bits4) + "," + decimal(bits6);
    return new AddressEntry(this.client, new MaskedAddress(bits4, bits6));
  }

  private pathTemplate(): KeyEntry {
    const config = this.config.array("pathTemplate");
    const templates: UriTemplate[] = [];
    const texts: Text[] = [];
    if (config.isPresent && config.length == 0) config.error("at least one template must be given");
    for (let index = 0; index < config.length; index++) {
      const entry = config.at(index);
      const text = entry.asString();
      const template = new UriTemplate(text);
      if (entry.isPresent && template.error !== null) entry.error(template.error!);
      templates.push(template);
      texts.push(new Text(text));
      this.definition += "," + text;
    }
    return new PathEntry(templates, texts);
  }
}

/** `a.b` as a path of two segments. */
function nested(name: string): string {
  const dot = name.indexOf(".");
  return dot < 0 ? name : name.substring(0, dot) + "\0" + nested(name.substring(dot + 1));
}
