import { ConfigReader, FilterHeaders, LocalReply, RequestHeaders } from "@attache/sdk";
import { checkHeaderValue } from "./header-text";

/** Istio's `HTTPRedirect`: the client is sent elsewhere. What the redirect does not give is taken from the request. */
export class Redirect {
  /** Path, with a query or without; `""` keeps the request's. */
  private readonly uri: string;
  private readonly authority: string;
  private readonly scheme: string;
  /** `:` and the port; `""` keeps the request's. */
  private port: string = "";
  private readonly status: i32;

  constructor(config: ConfigReader) {
    this.uri = config.string("uri", "");
    this.authority = config.string("authority", "");
    this.scheme = config.string("scheme", "");
    if (this.scheme.length > 0 && this.scheme != "http" && this.scheme != "https") {
      config.get("scheme").error('invalid redirect scheme, must be "http" or "https"');
    }
    if (config.has("port")) this.port = ":" + config.integer("port", 80, 1, 65535).toString();
    const status = config.integer("redirectCode", 301);
    if (status < 300 || status > 399) {
      config.get("redirectCode").error(status.toString() + " is not a valid redirect code, must be 3xx");
    }
    this.status = <i32>status;
    checkHeaderValue(config.get("uri"), this.uri);
    checkHeaderValue(config.get("authority"), this.authority);
    if (!config.has("uri") && !config.has("authority") && !config.has("scheme") && !config.has("port")) {
      config.error("at least one of uri, authority, port and scheme must be given, or the redirect leads to itself");
    }
  }

  answer(headers: RequestHeaders): FilterHeaders {
    const scheme = this.scheme.length > 0 ? this.scheme : headers.scheme;
    const location = scheme + "://" + this.host(headers, scheme) + this.port + this.path(headers);
    return new LocalReply(this.status).header("location", location).details("header_routing_redirect").send();
  }

  /** The request's query goes with the new path, unless that has one of its own. */
  private path(headers: RequestHeaders): string {
    const uri = this.uri;
    const path = headers.path;
    if (uri.length == 0) return path;
    const query = path.indexOf("?");
    return query < 0 || uri.includes("?") ? uri : uri + path.substring(query);
  }

  /** The request's own host loses its port when the redirect gives one, or when it is the default of the old scheme. */
  private host(headers: RequestHeaders, scheme: string): string {
    if (this.authority.length > 0) return this.authority;
    const authority = headers.authority;
    const colon = authority.lastIndexOf(":");
    // In [::1] the last colon is part of the address.
    if (colon < 0 || authority.indexOf("]", colon) >= 0) return authority;
    const port = authority.substring(colon + 1);
    const oldDefault = headers.scheme == "https" ? "443" : "80";
    const dropped = this.port.length > 0 || (scheme != headers.scheme && port == oldDefault);
    return dropped ? authority.substring(0, colon) : authority;
  }
}
