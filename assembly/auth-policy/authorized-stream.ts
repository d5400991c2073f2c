import { continueRequest, FilterHeaders, HttpFilter, RequestHeaders } from "@attache/sdk";
import { AuthPolicy } from "./auth-policy";

/** A request that is decided about. It keeps nothing, so that one object follows every stream. */
export class AuthorizedStream extends HttpFilter {
  constructor(protected readonly plugin: AuthPolicy) {
    super();
  }

  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    return this.decide(headers);
  }

  /** Goes on with the request, which was held until more is known. */
  resume(headers: RequestHeaders): void {
    if (this.decide(headers) == FilterHeaders.Continue) continueRequest();
  }

  protected decide(headers: RequestHeaders): FilterHeaders {
    const status = this.plugin.authenticate(this, headers);
    return status == FilterHeaders.Continue ? this.plugin.authorize() : status;
  }
}
