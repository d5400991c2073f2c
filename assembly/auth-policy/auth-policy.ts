import {
  ConfigReader,
  connection,
  Counter,
  FilterHeaders,
  HttpFilter,
  log,
  LogLevel,
  PathNormalization,
  Plugin,
  publishConfigStatus,
  RequestHeaders,
  setProperty,
} from "@attache/sdk";
import { Answers } from "./answers";
import { AuthorizedStream } from "./authorized-stream";
import { CheckedStream } from "./checked-stream";
import { Claims } from "./claims";
import { Authorizer } from "./external/authorizer";
import { findAuthorizer, readAuthorizers } from "./external/read-authorizers";
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
  /** The request that the running callback is about. */
  request: RequestFacts = new RequestFacts(new Reading());
  /** The external services that policies name, in the order in which they are asked. */
  authorizers: Authorizer[] = [];
  /** Bytes of the body that they want to see at most. */
  bodyLimit: i32 = 0;
  /** Whether the address of the client, which it may choose, may be taken for that of the direct peer. */
  takesRemoteForPeer: bool = false;
  /** How those are answered that do not pass. */
  answers!: Answers;
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
    config.expandEnvironment();
    const options = config.object("options");
    this.request = this.makeRequest(readReading(options));
    this.rejectsPathDifference = options.bool("rejectOnDifference", false);
    this.requiresMtls = options.bool("requireMtls", false);
    this.answers = new Answers(config.object("response"));
    const authenticator = new Authenticator(config.array("requestAuthentication"), options, this);
    if (authenticator.isActive) this.authenticator = authenticator;
    this.request.reading.isAuthenticating = authenticator.isActive;
    const takesRemoteForPeer = options.has("sourceIpFrom");
    this.takesRemoteForPeer = takesRemoteForPeer;
    if (takesRemoteForPeer) options.oneOf("sourceIpFrom", ["remoteAddress"], 0);
    const isAuthenticating = this.request.reading.isAuthenticating;
    const context = new PolicyContext(takesRemoteForPeer, isAuthenticating, options.bool("regex", false));
    const policies = config.array("authorizationPolicies");
    const authorizers = readAuthorizers(config.array("extensionProviders"));
    for (let index = 0; index < policies.length; index++) {
      const policy = new Policy(policies.at(index).asObject(), index, context);
      const rules = this.rulesFor(policy, authorizers);
      if (policy.action == Action.Custom && rules === this.deny) {
        policies.at(index).warn("denies what it matches: there is no provider " + policy.provider);
      }
      for (let at = 0; at < policy.rules.length; at++) rules.rules.push(policy.rules[at]);
    }
    for (let index = 0; index < authorizers.length; index++) {
      const authorizer = authorizers[index];
      if (authorizer.rules.rules.length == 0) continue;
      authorizer.rules.compile();
      this.authorizers.push(authorizer);
      this.bodyLimit = max(this.bodyLimit, authorizer.bodyLimit);
    }
    this.usesPath = context.usesPath;
    this.audit.compile();
    this.deny.compile();
    this.allow.compile();
    this.triedDeny.compile();
    this.triedAllow.compile();
    publishConfigStatus(config);
  }

  override createFilter(): HttpFilter {
    if (this.authorizers.length > 0) return new CheckedStream(this);
    const stream = this.stream;
    return stream !== null ? stream : (this.stream = new AuthorizedStream(this));
  }

  /** Begins with a request: verifies its tokens. It goes on, was answered, or is held until there are keys. */
  authenticate(stream: AuthorizedStream, headers: RequestHeaders): FilterHeaders {
    if (this.requiresMtls && !connection.mtls) return this.refuse("mtls_required");
    const authenticator = this.authenticator;
    if (authenticator === null) return this.look(headers, null);
    const claims = authenticator.authenticate(headers);
    const keys = authenticator.awaitedKeys;
    if (keys !== null) {
      keys.hold(new HeldRequest(stream, headers));
      return FilterHeaders.StopAllIterationAndWatermark;
    }
    if (claims !== null) {
      const status = this.look(headers, claims);
      if (status != FilterHeaders.Continue) return status;
      // Once the request is changed, all headers would have to be fetched again.
      this.request.readTarget();
      authenticator.apply(headers, claims);
      return status;
    }
    if (!authenticator.isRefused) return this.look(headers, null);
    report("denied", authenticator.problem);
    return authenticator.refuse(headers, this.answers);
  }

  /** Turns to a request, whose headers may be others than in the callback before. It goes on, or was answered. */
  look(headers: RequestHeaders, claims: Claims | null): FilterHeaders {
    const request = this.request;
    request.begin(headers);
    request.claims = claims;
    if (!this.usesPath && !this.rejectsPathDifference) return FilterHeaders.Continue;
    request.readPath();
    const isRejected = request.isPathRefused || (this.rejectsPathDifference && request.isPathChanged);
    return isRejected ? this.rejectPath() : FilterHeaders.Continue;
  }

  /** Decides by the policies about the request looked at last: it goes on, or was answered. */
  authorize(): FilterHeaders {
    const request = this.request;
    const audited = this.audit.find(request);
    if (audited !== null) report("audited", audited.id);
    this.tryDeny(request);
    const denied = this.deny.find(request);
    if (denied !== null) return this.refuse(denied.id);
    this.tryAllow(request);
    if (this.hasAllow && this.allow.find(request) === null) return this.refuse("none");
    allowed.increment();
    return FilterHeaders.Continue;
  }

  /** Tells that an external service denied a request, which the rule `id` has it asked about. */
  reportDenied(id: string): void {
    report("denied", id);
  }

  /** For tests, which have no peer with a certificate. */
  protected makeRequest(reading: Reading): RequestFacts {
    return new RequestFacts(reading);
  }

  /** Where the rules of a policy belong. Those for a service that there is not deny, as in Istio. */
  private rulesFor(policy: Policy, authorizers: Authorizer[]): RuleSet {
    const isDryRun = policy.isDryRun;
    if (policy.action == Action.Custom) {
      const authorizer = findAuthorizer(authorizers, policy.provider);
      return authorizer === null ? this.deny : authorizer.rules;
    }
    if (policy.action == Action.Deny) return isDryRun ? this.triedDeny : this.deny;
    if (policy.action == Action.Audit) return this.audit;
    if (isDryRun) this.hasTriedAllow = true;
    else this.hasAllow = true;
    return isDryRun ? this.triedAllow : this.allow;
  }

  /** `id` is that of the rule, or `none` when no rule allowed the request. */
  private refuse(id: string): FilterHeaders {
    report("denied", id);
    return this.answers
      .toDenied(id)
      .details("rbac_access_denied_matched_policy[" + id.replaceAll(" ", "_") + "]")
      .send();
  }

  /** A path that has no normal form, or must have it, cannot be decided about. */
  private rejectPath(): FilterHeaders {
    report("denied", "path");
    return this.answers
      .toRefused(400, "Bad Request: path is not normalized", "path")
      .details("auth_policy_path_not_normalized")
      .send();
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

/** Tells what a rule did: in the log, by a metric, and to later filters and the access log. */
function report(what: string, id: string): void {
  if (what == "denied") denied.increment();
  else if (what == "audited") audited.increment();
  else shadowDenied.increment();
  setProperty("auth_policy_" + what + "_by", id);
  if (log.enabled(LogLevel.Debug)) log.debug("auth-policy: " + what + " by " + id);
}
