import { HeldStream, RequestHeaders } from "@attache/sdk";
import { AuthPolicy } from "./auth-policy";

/** A request that waits until more is known. */
@final
export class HeldRequest {
  private readonly stream: HeldStream = new HeldStream();

  constructor(
    private readonly plugin: AuthPolicy,
    readonly headers: RequestHeaders,
  ) {}

  /** Decides about the request again, unless it is gone. */
  resume(): void {
    if (this.stream.act()) this.plugin.resume(this);
  }
}
