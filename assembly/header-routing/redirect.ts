import { ConfigReader, decimal, FilterHeaders, LocalReply, RequestHeaders } from "@attache/sdk";
import { RequestFacts, RequestMatch } from "@attache/istio";
import { headerValue } from "./header-text";

/** Istio's `HTTPRedirect`: the client is sent elsewhere. What the redirect does not give is taken from the request. */
export class Redirect {
  /** Path, with a query or without; `""` keeps the request's. */
  private readonly uri: string;
  /** Replaces the prefix that the route matched. */
  readonly prefixRewrite: string;
  private readonly authority: string;
  private readonly scheme: string;
  /** 0 keeps the request's. */
  private readonly port: i32;
  private takesRequestPort: bool = false;
  private readonly status: i32;

  constructor(config: ConfigReader) {
    this.uri = config.string("uri", "");
    this.prefixRewrite = config.string("prefixRewrite", "");
    this.authority = config.string("authority", "");
    this.scheme = config.string("scheme", "");
    if (this.scheme.length > 0 && this.scheme != "http" && this.scheme != "https") {
      config.get("scheme").error('invalid redirect scheme, must be "http" or "https"');
    }
    this.port = <i32>config.integer("port", 0, 1, 65535);
    if (config.has("derivePort")) {
      this.takesRequestPort = config.oneOf("derivePort", ["FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"], 0) == 1;
      if (config.has("port")) config.error("only one of port and derivePort can be given");
    }
    const status = config.integer("redirectCode", 301);
    if (status < 300 || status > 399) {
      config.get("redirectCode").error(decimal(status) + " is not a valid redirect code, must be 3xx");
    }
    this.status = <i32>status;
    headerValue(config.get("uri"), this.uri);
    headerValue(config.get("prefixRewrite"), this.prefixRewrite);
    headerValue(config.get("authority"), this.authority);
    if (this.uri.length > 0 && this.prefixRewrite.length > 0) {
      config.error("redirect may only specify one of uri or prefix_rewrite");
    }
    if (
      this.uri.length + this.prefixRewrite.length + this.authority.length + this.scheme.length + this.port == 0 &&
      !this.takesRequestPort
    ) {
      config.error("at least one of uri, authority, port and scheme must be given");
    }
  }

  answer(facts: RequestFacts, matched: RequestMatch): FilterHeaders {
    const headers = facts.headers;
    const scheme = this.scheme.length > 0 ? this.scheme : headers.scheme;
    const port = this.portText(facts, scheme);
    const location = scheme + "://" + this.host(headers, scheme, port) + port + this.path(facts, matched);
    return new LocalReply(this.status).header("location", location).details("header_routing_redirect").send();
  }

  /** The request's query goes with the new path, unless that has one of its own. */
  private path(facts: RequestFacts, matched: RequestMatch): string {
    const uri = this.uri;
    if (this.prefixRewrite.length > 0) return this.prefixRewrite + matched.pathBehindPrefix(facts).toString();
    const path = facts.headers.path;
    if (uri.length == 0) return path;
    const query = path.indexOf("?");
    return query < 0 || uri.includes("?") ? uri : uri + path.substring(query);
  }

  /** `:` and the port; `""` for the scheme's default, as in Istio, and when the request's is kept. */
  private portText(facts: RequestFacts, scheme: string): string {
    const port = this.takesRequestPort ? facts.port : this.port;
    return port == 0 || port == (scheme == "https" ? 443 : 80) ? "" : ":" + decimal(port);
  }

  /** The request's own host loses its port when the redirect gives one, or when it is the default of the old scheme. */
  private host(headers: RequestHeaders, scheme: string, port: string): string {
    if (this.authority.length > 0) return this.authority;
    const authority = headers.authority;
    const colon = authority.lastIndexOf(":");
    // In [::1] the last colon is part of the address.
    if (colon < 0 || authority.indexOf("]", colon) >= 0) return authority;
    const oldPort = authority.substring(colon + 1);
    const oldDefault = headers.scheme == "https" ? "443" : "80";
    const dropped = port.length > 0 || (scheme != headers.scheme && oldPort == oldDefault);
    return dropped ? authority.substring(0, colon) : authority;
  }
}
