import {
  CalloutOutcome,
  ConfigReader,
  continueRequest,
  FilterHeaders,
  GrpcCall,
  GrpcReply,
  GrpcRequest,
  GrpcStatus,
  HttpFilter,
  LocalReply,
  Plugin,
  ProtobufReader,
  ProtobufWriter,
  registerPlugin,
  RequestHeaders,
} from "@attache/sdk";
export * from "@attache/sdk/proxy";

class GrpcAuth extends Plugin {
  cluster: string = "";
  timeoutMs: i32 = 0;

  override configure(config: ConfigReader): void {
    this.cluster = config.string("cluster", "authz");
    this.timeoutMs = <i32>config.integer("timeoutMs", 200, 1, 60000);
  }

  override createFilter(): HttpFilter {
    return new CheckedRequest(this);
  }
}

class CheckedRequest extends HttpFilter {
  constructor(private plugin: GrpcAuth) {
    super();
  }

  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    headers.delete("x-user"); // Only the service says who it is.
    const token = headers.get("authorization");
    if (token === null) return new LocalReply(401).header("www-authenticate", "Bearer").send();
    const request = new GrpcRequest(this.plugin.cluster, "authz.v1.Authorizer", "Check")
      .timeout(this.plugin.timeoutMs)
      .trace(headers);
    const question = new ProtobufWriter().text(1, token).text(2, headers.method).text(3, headers.path);
    if (new Check(headers).send(request, question.written())) return FilterHeaders.StopAllIterationAndWatermark;
    return unavailable("authz_refused");
  }
}

/** Lets the request go on, as the user the service names, or answers it. Without an answer nobody gets in. */
class Check extends GrpcCall {
  constructor(private headers: RequestHeaders) {
    super();
  }

  override onOutcome(outcome: CalloutOutcome, reply: GrpcReply): void {
    if (outcome == CalloutOutcome.Timeout) {
      unavailable("authz_timeout");
    } else if (outcome != CalloutOutcome.Ok || reply.status != GrpcStatus.Ok) {
      unavailable("authz_status_" + (<i32>reply.status).toString());
    } else {
      this.decide(reply);
    }
  }

  private decide(reply: GrpcReply): void {
    let isAllowed = false;
    let user = "";
    let reason = "";
    const reader = new ProtobufReader(reply.bytes());
    while (reader.next()) {
      if (reader.field == 1) isAllowed = reader.bool();
      else if (reader.field == 2) user = reader.text();
      else if (reader.field == 3) reason = reader.text();
    }
    if (reader.error !== null) {
      unavailable("authz_bad_reply");
    } else if (isAllowed) {
      this.headers.set("x-user", user);
      continueRequest();
    } else {
      new LocalReply(403).details("authz_denied").text(reason).send();
    }
  }
}

function unavailable(details: string): FilterHeaders {
  return new LocalReply(503).details(details).text("authorization is not available").send();
}

registerPlugin(() => new GrpcAuth());
