import { HeaderChanges } from "./header-changes";

/** What an external service says of a request. */
@final
export class Verdict {
  isAllowed: bool = false;
  /** Of the answer to a request that is denied. */
  status: i32 = 403;
  body: string = "";
  /** For the request, when it is allowed. */
  readonly toUpstream: HeaderChanges = new HeaderChanges(false);
  /** Headers that the request must not have. */
  readonly removed: string[] = [];
  /** For the response to a request that is allowed, or the answer to one that is denied. */
  readonly toClient: HeaderChanges = new HeaderChanges(true);

  /** Whether what the service says can be done. */
  get isValid(): bool {
    return this.status >= 200 && this.status <= 599 && this.toUpstream.isValid && this.toClient.isValid;
  }
}
