import {
  CalloutOutcome,
  CalloutRequest,
  CalloutResponse,
  ConfigReader,
  continueRequest,
  FilterHeaders,
  HttpCallout,
  HttpFilter,
  LocalReply,
  Plugin,
  registerPlugin,
  RequestHeaders,
  RetryPolicy,
} from "@attache/sdk";
export * from "@attache/sdk/proxy";

class CalloutAuth extends Plugin {
  cluster: string = "";
  authority: string = "";
  timeoutMs: i32 = 0;
  /** A check changes nothing, so it may be made twice. */
  retry: RetryPolicy = new RetryPolicy(2);

  override configure(config: ConfigReader): void {
    this.cluster = config.string("cluster", "auth");
    this.authority = config.string("authority", this.cluster);
    this.timeoutMs = <i32>config.integer("timeoutMs", 200, 1, 60000);
  }

  override createFilter(): HttpFilter {
    return new CheckedRequest(this);
  }
}

class CheckedRequest extends HttpFilter {
  constructor(private plugin: CalloutAuth) {
    super();
  }

  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    headers.delete("x-user"); // Only the auth service says who it is.
    const token = headers.get("authorization");
    if (token === null) return new LocalReply(401).header("www-authenticate", "Bearer").send();
    const plugin = this.plugin;
    const request = new CalloutRequest(plugin.cluster, plugin.authority, "/check")
      .header("authorization", token)
      .header("x-original-method", headers.method)
      .header("x-original-path", headers.path)
      .trace(headers)
      .timeout(plugin.timeoutMs);
    if (new Check(headers).send(request, plugin.retry)) return FilterHeaders.StopAllIterationAndWatermark;
    return unavailable("auth_refused");
  }
}

/** Lets the request go on, as the user the auth service names, or answers it. Without an answer nobody gets in. */
class Check extends HttpCallout {
  constructor(private headers: RequestHeaders) {
    super();
  }

  override onOutcome(outcome: CalloutOutcome, response: CalloutResponse): void {
    if (outcome == CalloutOutcome.Timeout) {
      unavailable("auth_timeout");
    } else if (outcome != CalloutOutcome.Ok || response.status >= 500) {
      unavailable("auth_failed");
    } else if (response.status == 200) {
      const user = response.headers.get("x-user");
      if (user !== null) this.headers.set("x-user", user);
      continueRequest();
    } else {
      new LocalReply(403).details("auth_denied").text(response.text()).send();
    }
  }
}

function unavailable(details: string): FilterHeaders {
  return new LocalReply(503).details(details).text("authorization is not available").send();
}

registerPlugin(() => new CalloutAuth());
