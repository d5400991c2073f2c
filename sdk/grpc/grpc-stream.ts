import { MapType, Status } from "../abi/enums";
import { proxy_grpc_close, proxy_grpc_send, proxy_grpc_stream } from "../abi/imports";
import { CalloutOutcome } from "../callout/callout";
import { CalloutHeaders } from "../callout/callout-response";
import { endCallout } from "../callout/in-flight";
import { ByteView } from "../memory/byte-view";
import { writtenBytes, writtenSize } from "../memory/byte-writer";
import { encodeText, textSize } from "../memory/utf8";
import { GrpcCallout } from "./grpc-callout";
import { grpcReply, GrpcReply } from "./grpc-reply";
import { GrpcRequest } from "./grpc-request";

// @ts-ignore: decorator
@lazy
const initialMetadata = new CalloutHeaders(MapType.GrpcReceiveInitialMetadata);
// @ts-ignore: decorator
@lazy
const trailingMetadata = new CalloutHeaders(MapType.GrpcReceiveTrailingMetadata);

/**
 * A streaming gRPC call of any kind: any number of messages each way.
 *
 * ```ts
 * class Watch extends GrpcStream {
 *   override onMessage(message: GrpcReply): void { apply(message.bytes()); }
 *   override onOutcome(outcome: CalloutOutcome, reply: GrpcReply): void { log.warn("the watch has ended"); }
 * }
 * // in configure() or a timer:
 * if (watch.open(request)) watch.send(subscription.written());
 * ```
 *
 * It belongs to the stream, or else the plugin, whose callback opens it (`Callout`). When that is gone it is cancelled.
 */
export abstract class GrpcStream extends GrpcCallout {
  // A subclass cannot have a field of the same name.
  private calloutHasEnded: bool = false;

  /** The service's initial metadata have come; there are none when the call failed at once. */
  onInitialMetadata(metadata: CalloutHeaders): void {}

  /** A message has come. */
  onMessage(message: GrpcReply): void {}

  /** The service's trailing metadata have come, `grpc-status` among them; {@link onOutcome} follows. */
  onTrailingMetadata(metadata: CalloutHeaders): void {}

  /**
   * The service, or the proxy, has ended the stream: `Ok` when the service did, with the status of `reply`; `Reset` when the
   * connection broke. Called once for each {@link open} that answered `true`, unless it is cancelled or its owner is gone.
   */
  abstract onOutcome(outcome: CalloutOutcome, reply: GrpcReply): void;

  /**
   * Opens the stream; messages may be sent at once.
   *
   * Allowed in: every callback. Traps when this stream is open. Cost: one host call.
   *
   * @returns `false` when the proxy refuses it: {@link refusal} says why, and no callback follows
   */
  open(request: GrpcRequest): bool {
    if (!this.prepareCallout(request)) return false;
    this.calloutHasEnded = false;
    const metadata = writtenBytes();
    const metadataSize = writtenSize();
    const target = request.target.written();
    const service = encodeText(request.service);
    const method = encodeText(request.method);
    const token = memory.data(4, 4);
    const status = proxy_grpc_stream(
      target.start,
      target.length,
      service,
      textSize(service),
      method,
      textSize(method),
      metadata,
      metadataSize,
      token,
    );
    return this.calloutTaken(status, load<u32>(token));
  }

  /** Sends a message. `false` when the stream is not open, or {@link end} was called. Cost: one host call. */
  send(message: ByteView): bool {
    if (!this.calloutIsListed || this.calloutHasEnded) return false;
    return proxy_grpc_send(this.calloutToken, message.start, message.length, 0) == Status.Ok;
  }

  /** No message follows from here; the service may go on. `false` as {@link send}. Cost: one host call. */
  end(): bool {
    if (!this.calloutIsListed || this.calloutHasEnded) return false;
    this.calloutHasEnded = true;
    return proxy_grpc_close(this.calloutToken) == Status.Ok;
  }

  /** @internal */
  calloutBegan(): void {
    if (this.actForOwner()) this.onInitialMetadata(initialMetadata);
  }

  /** @internal */
  calloutReceived(size: i32): void {
    if (!this.actForOwner()) return;
    grpcReply.arrived(size);
    this.onMessage(grpcReply);
    grpcReply.arrived(0);
  }

  /** @internal */
  calloutEnds(): void {
    if (this.actForOwner()) this.onTrailingMetadata(trailingMetadata);
  }

  /** @internal */
  calloutClosed(status: u32): void {
    // The proxy keeps a stream until both sides have ended it.
    this.end();
    if (!this.actForOwner()) return;
    const outcome = grpcReply.ended(status);
    const join = endCallout(this, outcome);
    this.onOutcome(outcome, grpcReply);
    if (join !== null) join.calloutEnded(false);
  }
}
