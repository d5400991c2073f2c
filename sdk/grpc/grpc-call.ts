import { proxy_grpc_call } from "../abi/imports";
import { CalloutOutcome } from "../callout/callout";
import { endCallout } from "../callout/in-flight";
import { renameCallback } from "../context/callback";
import { ByteView } from "../memory/byte-view";
import { writtenBytes, writtenSize } from "../memory/byte-writer";
import { encodeText, textSize } from "../memory/utf8";
import { GrpcCallout } from "./grpc-callout";
import { grpcReply, GrpcReply } from "./grpc-reply";
import { GrpcRequest } from "./grpc-request";

/**
 * A unary gRPC call: one message there, one back.
 *
 * ```ts
 * class Check extends GrpcCall {
 *   override onOutcome(outcome: CalloutOutcome, reply: GrpcReply): void {
 *     if (outcome == CalloutOutcome.Ok && reply.status == GrpcStatus.Ok && isAllowed(reply.bytes())) continueRequest();
 *     else new LocalReply(403).send();
 *   }
 * }
 * ```
 *
 * A call belongs to the stream, or else the plugin, whose callback sends it (`Callout`). When that is gone the call is
 * cancelled.
 */
export abstract class GrpcCall extends GrpcCallout {
  /**
   * The call has ended: `Ok` when the service answered, with whatever status; `Timeout` or `Reset`. Called once for each
   * {@link send} that answered `true`, unless it is cancelled or its stream is gone. Acts on the stream that sent the call.
   */
  abstract onOutcome(outcome: CalloutOutcome, reply: GrpcReply): void;

  /**
   * Calls the method with `message`, a protobuf message as a rule (`ProtobufWriter.written()`).
   *
   * Allowed in: every callback. Traps when this call is in flight. Cost: one host call; one for the answer.
   *
   * @returns `false` when the proxy refuses it: {@link refusal} says why, and {@link onOutcome} is not called
   */
  send(request: GrpcRequest, message: ByteView): bool {
    if (!this.prepareCallout(request)) return false;
    const metadata = writtenBytes();
    const metadataSize = writtenSize();
    const target = request.target.written();
    const service = encodeText(request.service);
    const method = encodeText(request.method);
    const token = memory.data(4, 4);
    const status = proxy_grpc_call(
      target.start,
      target.length,
      service,
      textSize(service),
      method,
      textSize(method),
      metadata,
      metadataSize,
      message.start,
      message.length,
      request.timeoutMs,
      token,
    );
    return this.calloutTaken(status, load<u32>(token));
  }

  /** @internal */
  calloutReceived(size: i32): void {
    if (!this.actForOwner()) return;
    grpcReply.arrived(size);
    this.finishCall(CalloutOutcome.Ok);
  }

  /** @internal */
  calloutClosed(status: u32): void {
    if (!this.actForOwner()) return;
    this.finishCall(grpcReply.ended(status));
  }

  private finishCall(outcome: CalloutOutcome): void {
    renameCallback("onOutcome");
    const join = endCallout(this, outcome);
    this.onOutcome(outcome, grpcReply);
    grpcReply.arrived(0);
    if (join !== null) join.calloutEnded(false);
  }
}
