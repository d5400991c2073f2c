import { ByteView, ConfigReader, istioCluster, JsonDocument, JsonKind, Url } from "@attache/sdk";

const NS_PER_MS: i64 = 1_000_000;
/** Istio's own. */
const DEFAULT_TIMEOUT: i64 = 5_000 * NS_PER_MS;
const LONGEST_TIMEOUT: i64 = 60_000 * NS_PER_MS;

/** Where the keys of an issuer are fetched: at `jwksUri`, or where the issuer's OpenID configuration says. */
@final
export class JwksLocation {
  constructor(
    readonly cluster: string,
    /** Scheme, host and port of everything that is fetched: `https://issuer.example:8443`. */
    readonly origin: string,
    /** Of the keys, or else of the issuer's OpenID configuration. */
    readonly path: string,
    /** Whose OpenID configuration has to be fetched first; empty when {@link path} is that of the keys. */
    readonly discoveredIssuer: string,
    /** For all of it. */
    readonly timeoutMs: u32,
  ) {}

  /** Host and port, as in {@link origin}. */
  get authority(): string {
    return this.origin.substring(this.origin.indexOf("://") + 3);
  }

  /**
   * The path of the keys that an OpenID configuration names; `null` unless it is the issuer's (OpenID Connect Discovery §4.3)
   * and the keys are where it is itself: else whoever writes it could have any service of the mesh asked.
   */
  discover(configuration: ByteView): string | null {
    const document = new JsonDocument();
    if (!document.parse(configuration.start, configuration.length)) return null;
    const uri = document.root.member("jwks_uri");
    if (!document.root.member("issuer").equals(this.discoveredIssuer) || uri.kind != JsonKind.String) return null;
    const text = uri.text;
    const isUrl = Url.parse(ByteView.ofText(text)) !== null;
    return isUrl && text.startsWith(this.origin + "/") ? text.substring(this.origin.length) : null;
  }
}

/** Reads the location from a rule that has no inline keys. */
export function readJwksLocation(config: ConfigReader, issuer: string): JwksLocation {
  const timeoutMs = readTimeout(config);
  const cluster = config.string("cluster", "");
  if (config.has("jwksUri"))
    return locate(config.get("jwksUri"), config.string("jwksUri", ""), false, cluster, timeoutMs);
  return locate(config, issuer, true, cluster, timeoutMs);
}

/** Milliseconds that fetching may take; inline keys can have it beside them. */
export function readTimeout(config: ConfigReader): u32 {
  return <u32>(config.duration("timeout", DEFAULT_TIMEOUT, NS_PER_MS, LONGEST_TIMEOUT) / NS_PER_MS);
}

function locate(config: ConfigReader, uri: string, isIssuer: bool, cluster: string, timeoutMs: u32): JwksLocation {
  const url = Url.parse(ByteView.ofText(uri));
  const isHttps = url !== null && url.scheme.equals("https");
  const isHttp = url !== null && url.scheme.equals("http");
  if (url === null || !(isHttps || isHttp) || url.fragment !== null || (isIssuer && url.query !== null)) {
    if (!isIssuer) config.error("must be an http or https URL, without a fragment");
    else if (uri.length > 0)
      config.error("keys are found only by an issuer that is an http or https URL: set jwks or jwksUri");
    return new JwksLocation("", "", "", "", timeoutMs);
  }
  const start = uri.indexOf("://") + 3;
  let end = start;
  while (end < uri.length && uri.charCodeAt(end) != 0x2f && uri.charCodeAt(end) != 0x3f) end++;
  let path = uri.substring(end);
  if (isIssuer) path = (path.endsWith("/") ? path.substring(0, path.length - 1) : path) + OPENID_CONFIGURATION;
  else if (!path.startsWith("/")) path = "/" + path;
  const port = url.port >= 0 ? url.port : isHttps ? 443 : 80;
  const asked = cluster.length > 0 ? cluster : istioCluster(url.host.toString(), port);
  return new JwksLocation(asked, uri.substring(0, end), path, isIssuer ? uri : "", timeoutMs);
}

const OPENID_CONFIGURATION: string = "/.well-known/openid-configuration";
