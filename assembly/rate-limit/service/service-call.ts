import { CalloutOutcome, GrpcCall, GrpcReply, GrpcStatus } from "@attache/sdk";
import { LimitedStream } from "../limited-stream";
import { ServiceReply } from "./service-reply";

/** One question to the service, about a request that waits for the answer. */
@final
export class ServiceCall extends GrpcCall {
  constructor(private readonly stream: LimitedStream) {
    super();
  }

  override onOutcome(outcome: CalloutOutcome, reply: GrpcReply): void {
    const isAnswer = outcome == CalloutOutcome.Ok && reply.status == GrpcStatus.Ok;
    this.stream.continueWith(isAnswer ? new ServiceReply(reply.bytes()) : null);
  }
}
