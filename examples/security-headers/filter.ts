import {
  ConfigReader,
  FilterHeaders,
  HttpFilter,
  isHeaderName,
  isHeaderValue,
  Plugin,
  registerPlugin,
  RequestHeaders,
  ResponseHeaders,
  Scopes,
  Text,
} from "@attache/sdk";
export * from "@attache/sdk/proxy";

/** Response headers for browsers. Those that a client gets depend on what it asked for. */
class SecurityHeaders extends Plugin {
  scopes: Scopes<HeaderSet> | null = null;

  override configure(config: ConfigReader): void {
    config.expandEnvironment();
    this.scopes = new Scopes<HeaderSet>(config, (config) => new HeaderSet(config.object("headers")));
  }

  override createFilter(): HttpFilter {
    return new SecuredStream(this);
  }
}

/** Headers that a response gets in place of the upstream's. */
class HeaderSet {
  private readonly names: Text[] = [];
  private readonly values: Text[] = [];

  constructor(config: ConfigReader) {
    for (let index = 0; index < config.length; index++) {
      const header = config.at(index);
      const value = header.asString();
      if (!isHeaderName(header.key)) header.error("is no name of a header");
      if (!isHeaderValue(value)) header.error("cannot stand in a header");
      this.names.push(new Text(header.key));
      this.values.push(new Text(value));
    }
  }

  applyTo(headers: ResponseHeaders): void {
    for (let index = 0; index < this.names.length; index++) headers.setOf(this.names[index], this.values[index]);
  }
}

class SecuredStream extends HttpFilter {
  /** `null` where the filter leaves the response alone. */
  private headerSet: HeaderSet | null = null;

  constructor(private readonly plugin: SecurityHeaders) {
    super();
  }

  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    this.headerSet = this.plugin.scopes!.find(headers);
    return FilterHeaders.Continue;
  }

  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    const headerSet = this.headerSet;
    if (headerSet !== null) headerSet.applyTo(headers);
    return FilterHeaders.Continue;
  }
}

registerPlugin(() => new SecurityHeaders());
