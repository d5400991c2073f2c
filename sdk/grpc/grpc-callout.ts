import { Status } from "../abi/enums";
import { proxy_grpc_cancel } from "../abi/imports";
import { actFor, currentContext } from "../context/callback";
import { decimal } from "../json/text";
import { log } from "../log/log";
import { Callout, CalloutOutcome, CalloutRefusal } from "../callout/callout";
import { addCallout, endCallout, findCallout, removeCallout, setToken } from "../callout/in-flight";
import { GrpcRequest } from "./grpc-request";

/** What gRPC calls and streams have in common. */
export abstract class GrpcCallout extends Callout {
  /**
   * Gives the call up: no callback follows, and the service is told. No effect when it is not in flight.
   */
  cancel(): void {
    if (!this.calloutIsListed) return;
    this.abandonCallout();
    const join = endCallout(this, CalloutOutcome.Cancelled);
    if (join !== null) join.calloutEnded(true);
  }

  /** @internal Initial metadata has come. */
  calloutBegan(): void {}

  /** @internal A message of so many bytes has come. */
  abstract calloutReceived(size: i32): void;

  /** @internal Trailing metadata has come. */
  calloutEnds(): void {}

  /** @internal The call has ended. */
  abstract calloutClosed(status: u32): void;

  /** @internal */
  abandonCallout(): void {
    proxy_grpc_cancel(this.calloutToken);
  }

  /** @internal Whether the request can be sent, whose metadata is then written; the callout must not be in flight. */
  prepareCallout(request: GrpcRequest): bool {
    if (this.calloutIsListed) throw new Error("a callout was sent that is in flight: make another one");
    const isValid = request.isValid && request.headers.write();
    this.calloutRefusal = isValid ? CalloutRefusal.None : CalloutRefusal.InvalidRequest;
    this.calloutOutcome = isValid ? CalloutOutcome.Pending : CalloutOutcome.Refused;
    return isValid;
  }

  /** @internal Whether the proxy took it. */
  calloutTaken(status: i32, token: u32): bool {
    if (status == Status.Ok) {
      addCallout(this, currentContext);
      setToken(this, token);
      return true;
    }
    this.calloutOutcome = CalloutOutcome.Refused;
    this.calloutRefusal = status == Status.InternalFailure ? CalloutRefusal.Unavailable : CalloutRefusal.Other;
    if (status != Status.InternalFailure) log.error("the proxy refused a callout: status " + decimal(status));
    return false;
  }

  /** @internal Acts on the owner from now on; `false` when it is gone. */
  actForOwner(): bool {
    if (this.calloutOwner == currentContext || actFor(this.calloutOwner)) return true;
    this.abandonCallout();
    removeCallout(this);
    return false;
  }
}

/** The call or stream with this token, or `null` when nobody waits for it any more. */
export function grpcCallout(token: u32): GrpcCallout | null {
  const callout = findCallout(token);
  return callout === null ? null : (callout as GrpcCallout);
}
