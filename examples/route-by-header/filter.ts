import {
  ConfigReader,
  FilterHeaders,
  HttpFilter,
  Plugin,
  registerPlugin,
  RequestHeaders,
  requestCookie,
} from "@attache/sdk";
export * from "@attache/sdk/proxy";

/** The header that the proxy's routes look at. */
const TARGET = "x-target";

class RouteByHeader extends Plugin {
  header: string = "";
  cookie: string = "";
  fallback: string = "";
  private targets: Map<string, string> = new Map<string, string>();

  override configure(config: ConfigReader): void {
    this.header = config.string("header", "x-version").toLowerCase();
    this.cookie = config.string("cookie", "version");
    this.fallback = config.required("default").asString();
    const targets = config.object("targets");
    for (let i = 0; i < targets.length; i++) this.targets.set(targets.at(i).key, targets.at(i).asString());
  }

  override createFilter(): HttpFilter {
    return new RoutedRequest(this);
  }

  targetOf(version: string): string {
    return this.targets.has(version) ? this.targets.get(version) : this.fallback;
  }
}

class RoutedRequest extends HttpFilter {
  constructor(private plugin: RouteByHeader) {
    super();
  }

  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const plugin = this.plugin;
    let version = headers.getBytes(plugin.header);
    if (version === null) version = requestCookie(headers, plugin.cookie);
    // Set in any case, so that no client chooses for itself. The proxy then looks for the route anew.
    headers.set(TARGET, version === null ? plugin.fallback : plugin.targetOf(version.toString()));
    return FilterHeaders.Continue;
  }
}

registerPlugin(() => new RouteByHeader());
