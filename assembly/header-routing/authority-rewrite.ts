import { RequestHeaders, Text } from "@attache/sdk";

/** The authority that the upstream is to see. */
@final
export class AuthorityRewrite {
  private readonly name: Text = new Text(":authority");
  private readonly originalName: Text = new Text("x-envoy-original-host");

  constructor(private readonly authority: Text) {}

  /** @param keepsOriginal whether the authority so far goes on in `x-envoy-original-host` */
  apply(headers: RequestHeaders, keepsOriginal: bool): void {
    if (keepsOriginal) headers.setBytesOf(this.originalName, headers.getBytesOf(this.name)!);
    headers.setOf(this.name, this.authority);
  }
}

/** What the configuration asks for; an absent or empty authority is no other one. */
export function authorityRewrite(authority: Text | null): AuthorityRewrite | null {
  return authority !== null && authority.length > 0 ? new AuthorityRewrite(authority) : null;
}
