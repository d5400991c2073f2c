import { ConfigReader, decimal, isHeaderName, Text, UriTemplate } from "@attache/sdk";
import { split } from "@attache/istio";
import { ClientAddress } from "./client-address";
import { exactlyOne } from "./exactly-one";
import { AddressEntry, AttributeEntry, ClaimEntry, ConsumerEntry, CookieEntry, GenericKey, HeaderEntry, HostEntry, KeyEntry, MatchEntry, MethodEntry, OnMissing, PathEntry, QueryEntry } from "./key-entry"; // prettier-ignore
import { MaskedAddress } from "./masked-address";
import { RequestMatches } from "./request-matches";

/** Reads one entry: an object with exactly one of the kinds, and perhaps `name` and `onMissing`. */
export function readKeyEntry(config: ConfigReader, client: ClientAddress): KeyEntry {
  const reader = new KeyEntryReader(config, client);
  const entry = reader.read();
  exactlyOne(config, reader.kinds, "the kinds of entries, such as header and remoteAddress,");
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
    if (this.has("header")) entry = this.header();
    if (this.has("query")) entry = new QueryEntry(this.text("query", ""));
    if (this.has("cookie")) entry = new CookieEntry(this.text("cookie", ""));
    if (this.has("claim")) entry = this.claim();
    if (this.has("metadata")) entry = this.metadata();
    if (this.has("requestMatch")) entry = this.requestMatch();
    if (this.has("remoteAddress")) entry = this.address("remoteAddress", 32, 128);
    if (this.has("maskedRemoteAddress")) entry = this.address("maskedRemoteAddress", 24, 64);
    if (this.plain("path")) entry = new PathEntry([], []);
    if (this.has("pathTemplate")) entry = this.pathTemplate();
    if (this.plain("host")) entry = new HostEntry();
    if (this.plain("method")) entry = new MethodEntry();
    if (this.plain("consumer")) entry = new ConsumerEntry();
    const kinds: StaticArray<string> = ["route", "connection", "principal", "sourceCluster", "destinationCluster"];
    const attributes: StaticArray<string> = [
      "xds\0route_name",
      "connection\0id",
      "connection\0uri_san_peer_certificate",
      "xds\0node\0cluster",
      "xds\0cluster_name",
    ];
    for (let index = 0; index < kinds.length; index++) {
      if (this.plain(kinds[index])) entry = new AttributeEntry(attributes[index]);
    }
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

  private header(): KeyEntry {
    const name = this.text("header", "");
    const isName = name.length == 0 || name.startsWith(":") || isHeaderName(name);
    if (!isName) this.config.get("header").error("is not a header name");
    return new HeaderEntry(name);
  }

  /** `a.b` is `b` in `a`. */
  private claim(): KeyEntry {
    const path = split(this.text("claim", ""), ".");
    if (path.length == 0) this.config.get("claim").error("must not have an empty part");
    return new ClaimEntry(path);
  }

  private requestMatch(): KeyEntry {
    const config = this.config.object("requestMatch");
    const value = config.required("value").asString();
    const expected = config.bool("expectMatch", true);
    this.definition = "requestMatch=" + value;
    return new MatchEntry(new RequestMatches(config.array("match")), expected, value);
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
