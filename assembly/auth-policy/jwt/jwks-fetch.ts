import { CalloutOutcome, CalloutRefusal, CalloutRequest, CalloutResponse, currentTimeNs, HttpCallout } from "@attache/sdk"; // prettier-ignore
import { JwksLocation } from "./jwks-location";
import { RemoteJwks } from "./remote-jwks";

const NS_PER_MS: u64 = 1_000_000;
/** A longer answer is not looked at. */
const MOST_BYTES: i32 = 65_536;

/** Fetches a key set, by way of the issuer's OpenID configuration if need be. Redirects are not followed. */
@final
export class JwksFetch extends HttpCallout {
  private isDiscovering: bool = false;
  private deadline: u64 = 0;
  private keys: RemoteJwks | null = null;

  constructor(private readonly location: JwksLocation) {
    super();
  }

  /** Begins; `keys` is told how it ends, maybe before this returns. To be called in a callback of the plugin. */
  begin(keys: RemoteJwks): void {
    const location = this.location;
    this.keys = keys;
    this.deadline = currentTimeNs() + <u64>location.timeoutMs * NS_PER_MS;
    this.isDiscovering = location.discoveredIssuer.length > 0;
    this.ask(location.path);
  }

  override onOutcome(outcome: CalloutOutcome, response: CalloutResponse): void {
    const keys = this.keys!;
    const problem = problemOf(outcome, response);
    if (problem !== null) {
      keys.failed(problem);
    } else if (!this.isDiscovering) {
      keys.fetched(response.bytes());
    } else {
      this.isDiscovering = false;
      const path = this.location.discover(response.bytes());
      if (path !== null) this.ask(path);
      else keys.failed("the OpenID configuration is not the issuer's, or its jwks_uri is elsewhere");
    }
  }

  private ask(path: string): void {
    const now = currentTimeNs();
    const location = this.location;
    const leftMs = now < this.deadline ? (this.deadline - now) / NS_PER_MS : 0;
    const request = new CalloutRequest(location.cluster, location.authority, path)
      .header("accept", "application/json")
      .timeout(<u32>max<u64>(leftMs, 1));
    if (this.send(request)) return;
    this.keys!.failed(
      this.refusal == CalloutRefusal.UnknownCluster
        ? 'the proxy has no cluster "' + location.cluster + '"'
        : "the proxy cannot send the request",
    );
  }
}

/** Why an answer brings nothing; `null` when it does. */
function problemOf(outcome: CalloutOutcome, response: CalloutResponse): string | null {
  if (outcome == CalloutOutcome.Timeout) return "no answer in time";
  if (outcome != CalloutOutcome.Ok) return "the connection failed";
  if (response.status != 200) return "status " + response.status.toString();
  return response.length > MOST_BYTES ? "more than " + MOST_BYTES.toString() + " bytes" : null;
}
