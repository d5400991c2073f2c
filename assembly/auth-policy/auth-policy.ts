import {
  ConfigReader,
  connection,
  continueRequest,
  Counter,
  FilterHeaders,
  HttpFilter,
  LocalReply,
  log,
  LogLevel,
  PathNormalization,
  Plugin,
  RequestHeaders,
  setProperty,
} from "@attache/sdk";
import { HeldRequest } from "./held-request";
import { Authenticator } from "./jwt/authenticator";
import { Action, Policy } from "./policy";
import { PolicyContext } from "./policy-context";
import { Reading, RequestFacts } from "./request-facts";
import { RuleSet } from "./rule-set";

/**
 * Verifies tokens and decides which requests may pass, by Istio's `RequestAuthentication` and `AuthorizationPolicy`. Configuration: README.md.
 */
export class AuthPolicy extends Plugin {
  private request: RequestFacts = new RequestFacts(new Reading());
  /** `null` when no token is verified. */
  private authenticator: Authenticator | null = null;
  private readonly audit: RuleSet = new RuleSet(true);
  private readonly deny: RuleSet = new RuleSet(true);
  private readonly allow: RuleSet = new RuleSet(false);
  private readonly triedDeny: RuleSet = new RuleSet(true);
  private readonly triedAllow: RuleSet = new RuleSet(false);
  /** Whether there is a policy that allows: what none of them matches is denied then. */
  private hasAllow: bool = false;
  private hasTriedAllow: bool = false;
  private usesPath: bool = false;
  private rejectsPathDifference: bool = false;
  private requiresMtls: bool = false;
  /** Follows every stream: it keeps nothing of one. */
  private stream: HttpFilter | null = null;

  override configure(config: ConfigReader): void {
    const options = config.object("options");
    this.request = this.makeRequest(readReading(options));
    this.rejectsPathDifference = options.bool("rejectOnDifference", false);
    this.requiresMtls = options.bool("requireMtls", false);
    const authenticator = new Authenticator(config.array("requestAuthentication"), options, this);
    if (authenticator.isActive) this.authenticator = authenticator;
    this.request.reading.isAuthenticating = authenticator.isActive;
    const takesRemoteForPeer = options.has("sourceIpFrom");
    if (takesRemoteForPeer) options.oneOf("sourceIpFrom", ["remoteAddress"], 0);
    const context = new PolicyContext(takesRemoteForPeer, this.request.reading.isAuthenticating);
    const policies = config.array("authorizationPolicies");
    for (let index = 0; index < policies.length; index++) {
      this.addPolicy(new Policy(policies.at(index).asObject(), index, context));
    }
    this.usesPath = context.usesPath;
    this.audit.compile();
    this.deny.compile();
    this.allow.compile();
    this.triedDeny.compile();
    this.triedAllow.compile();
  }

  override createFilter(): HttpFilter {
    const stream = this.stream;
    return stream !== null ? stream : (this.stream = new AuthorizedStream(this));
  }

  /** Lets the request pass, answers it or holds it. */
  decide(headers: RequestHeaders): FilterHeaders {
    const request = this.request;
    request.begin(headers);
    if (this.requiresMtls && !connection.mtls) return deny("mtls_required");
    const authenticator = this.authenticator;
    if (authenticator !== null) {
      request.claims = authenticator.authenticate(headers);
      const keys = authenticator.awaitedKeys;
      if (keys !== null) {
        keys.hold(new HeldRequest(this, headers));
        return FilterHeaders.StopAllIterationAndWatermark;
      }
      if (authenticator.isRefused) {
        report("denied", authenticator.problem);
        return authenticator.refuse(headers);
      }
    }
    if (this.usesPath || this.rejectsPathDifference) {
      request.readPath();
      if (request.isPathRefused || (this.rejectsPathDifference && request.isPathChanged)) return rejectPath();
    }
    const audited = this.audit.find(request);
    if (audited !== null) report("audited", audited.id);
    this.tryDeny(request);
    const denied = this.deny.find(request);
    if (denied !== null) return deny(denied.id);
    this.tryAllow(request);
    if (this.hasAllow && this.allow.find(request) === null) return deny("none");
    allowed.increment();
    return FilterHeaders.Continue;
  }

  /** Goes on with a request that was held. */
  resume(request: HeldRequest): void {
    if (this.decide(request.headers) == FilterHeaders.Continue) continueRequest();
  }

  /** For tests, which have no peer with a certificate. */
  protected makeRequest(reading: Reading): RequestFacts {
    return new RequestFacts(reading);
  }

  private addPolicy(policy: Policy): void {
    const isDryRun = policy.isDryRun;
    let into = this.audit;
    if (policy.action == Action.Allow) {
      if (isDryRun) this.hasTriedAllow = true;
      else this.hasAllow = true;
      into = isDryRun ? this.triedAllow : this.allow;
    } else if (policy.action == Action.Deny) {
      into = isDryRun ? this.triedDeny : this.deny;
    }
    for (let index = 0; index < policy.rules.length; index++) into.rules.push(policy.rules[index]);
  }

  private tryDeny(request: RequestFacts): void {
    if (this.triedDeny.rules.length == 0) return;
    const rule = this.triedDeny.find(request);
    if (rule !== null) report("dry_run_denied", rule.id);
    else shadowAllowed.increment();
  }

  private tryAllow(request: RequestFacts): void {
    if (!this.hasTriedAllow) return;
    if (this.triedAllow.find(request) === null) report("dry_run_denied", "none");
    else shadowAllowed.increment();
  }
}

class AuthorizedStream extends HttpFilter {
  constructor(private readonly plugin: AuthPolicy) {
    super();
  }

  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    return this.plugin.decide(headers);
  }
}

const allowed = new Counter("auth_policy.allowed");
const denied = new Counter("auth_policy.denied");
const audited = new Counter("auth_policy.audited");
const shadowAllowed = new Counter("auth_policy.shadow_allowed");
const shadowDenied = new Counter("auth_policy.shadow_denied");

function readReading(options: ConfigReader): Reading {
  const reading = new Reading();
  reading.pathNormalization = <PathNormalization>(
    options.oneOf(
      "pathNormalization",
      ["none", "base", "mergeSlashes", "decodeAndMergeSlashes"],
      PathNormalization.Base,
    )
  );
  reading.ignorePathParameters = options.bool("ignorePathParameters", false);
  reading.isStrict = options.oneOf("multiValue", ["strict", "istio"], 0) == 0;
  return reading;
}

/** Answers as Istio does. `id` is that of the rule, or `none` when no rule allowed the request. */
function deny(id: string): FilterHeaders {
  report("denied", id);
  return new LocalReply(403)
    .text("RBAC: access denied")
    .details("rbac_access_denied_matched_policy[" + id.replaceAll(" ", "_") + "]")
    .send();
}

/** A path that has no normal form, or must have it, cannot be decided about. */
function rejectPath(): FilterHeaders {
  report("denied", "path");
  return new LocalReply(400)
    .text("Bad Request: path is not normalized")
    .details("auth_policy_path_not_normalized")
    .send();
}

/** Tells what a rule did: in the log, by a metric, and to later filters and the access log. */
function report(what: string, id: string): void {
  if (what == "denied") denied.increment();
  else if (what == "audited") audited.increment();
  else shadowDenied.increment();
  setProperty("auth_policy_" + what + "_by", id);
  if (log.enabled(LogLevel.Debug)) log.debug("auth-policy: " + what + " by " + id);
}
