import {
  attributeInteger,
  ByteView,
  getPropertyAt,
  JsonDocument,
  JsonNode,
  pathEnd,
  queryOf,
  RequestHeaders,
} from "@attache/sdk";

/**
 * What a {@link RequestMatch} looks at in a request, each found out at most once. One object serves all requests, one
 * after the other; what it answers is valid until the callback returns.
 */
@final
export class RequestFacts {
  headers: RequestHeaders = new RequestHeaders();
  private fullPath: usize = 0;
  private pathOnly: usize = 0;
  private portNumber: i32 = -1;
  private hasClaims: bool = false;
  private readonly claimDocument: JsonDocument = new JsonDocument();

  /** Turns to another request, or to the same one after its headers have changed. */
  begin(headers: RequestHeaders): void {
    this.headers = headers;
    this.fullPath = 0;
    this.portNumber = -1;
    this.hasClaims = false;
  }

  /** `:path` as it is; empty when there is none, as for `CONNECT`. */
  get fullPathView(): ByteView {
    if (this.fullPath == 0) this.readPath();
    return changetype<ByteView>(this.fullPath);
  }

  /** `:path` without query and fragment. */
  get path(): ByteView {
    if (this.fullPath == 0) this.readPath();
    return changetype<ByteView>(this.pathOnly);
  }

  /** What follows the `?` of the path; `null` without one. */
  get query(): ByteView | null {
    return queryOf(this.fullPathView);
  }

  /** The port that the client connected to; 0 when it is unknown. Cost: one host call for each request. */
  get port(): i32 {
    if (this.portNumber < 0) this.portNumber = <i32>attributeInteger(getPropertyAt("destination\0port"), 0);
    return this.portNumber;
  }

  /** The claims of a token that auth-policy has verified; absent without one. Cost: one host call for each request. */
  get claims(): JsonNode {
    const document = this.claimDocument;
    if (!this.hasClaims) {
      this.hasClaims = true;
      const payload = getPropertyAt("jwt_payload");
      if (payload === null) document.parse(0, 0);
      else document.parse(payload.start, payload.length);
    }
    return document.root;
  }

  private readPath(): void {
    const found = this.headers.getBytes(":path");
    const path = found === null ? ByteView.of(0, 0) : found;
    this.fullPath = changetype<usize>(path);
    this.pathOnly = changetype<usize>(path.slice(0, pathEnd(path)));
  }
}
