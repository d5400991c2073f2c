import { HeldStream, RequestHeaders } from "@attache/sdk";
import { AuthorizedStream } from "./authorized-stream";

/** A request that waits until more is known. */
@final
export class HeldRequest {
  private readonly held: HeldStream = new HeldStream();

  constructor(
    private readonly stream: AuthorizedStream,
    private readonly headers: RequestHeaders,
  ) {}

  /** Decides about the request again, unless it is gone. */
  resume(): void {
    if (this.held.act()) this.stream.resume(this.headers);
  }
}
