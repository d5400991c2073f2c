import {
  CalloutOutcome,
  CalloutRefusal,
  ConfigReader,
  GrpcCall,
  GrpcReply,
  GrpcRequest,
  GrpcStatus,
} from "@attache/sdk";
import { CheckedStream } from "../checked-stream";
import { Authorizer } from "./authorizer";
import { writeCheckRequest } from "./check-request";
import { readCheckResponse } from "./check-response";
import { MOST_BODY } from "./http-authorizer";

/** A service of Envoy's `envoy.service.auth.v3.Authorization`. */
@final
export class GrpcAuthorizer extends Authorizer {
  constructor(name: string, config: ConfigReader) {
    super(name, config);
  }

  ask(stream: CheckedStream): CalloutRefusal {
    const request = new GrpcRequest(this.cluster, "envoy.service.auth.v3.Authorization", "Check")
      .authority(this.host)
      .timeout(this.timeoutMs);
    const check = new GrpcCheck(this, stream);
    check.send(request, writeCheckRequest(stream, this));
    return check.refusal;
  }
}


@final
class GrpcCheck extends GrpcCall {
  constructor(
    private readonly authorizer: GrpcAuthorizer,
    private readonly stream: CheckedStream,
  ) {
    super();
  }

  override onOutcome(outcome: CalloutOutcome, reply: GrpcReply): void {
    const isAnswer = outcome == CalloutOutcome.Ok && reply.status == GrpcStatus.Ok;
    if (!isAnswer) this.stream.failed(this.authorizer);
    else this.stream.answered(this.authorizer, reply.length > MOST_BODY ? null : readCheckResponse(reply.bytes()));
  }
}
