import { ConfigReader, FilterHeaders, Plugin, RequestHeaders, setPropertyBytes, Text } from "@attache/sdk";
import { Answers } from "../answers";
import { ignoreScope } from "../ignored-scope";
import { Claims } from "../claims";
import { JwtContext } from "./jwt-context";
import { JwtRule } from "./jwt-rule";
import { JwtStatus, jwtStatusText } from "./jwt-status";
import { RemoteJwks } from "./remote-jwks";

/** Istio's `RequestAuthentication`: a request without a token passes, one with a token must have a valid one. */
export class Authenticator {
  /** Sorted by issuer, as Istio does. */
  private readonly rules: JwtRule[] = [];
  private status: JwtStatus = JwtStatus.Ok;
  private keys: RemoteJwks | null = null;
  /** The rule that verified the last token. */
  private verifying: JwtRule | null = null;

  /** Reads a list of the resources or of their specs. */
  constructor(config: ConfigReader, options: ConfigReader, plugin: Plugin) {
    const context = new JwtContext(plugin, options);
    for (let index = 0; index < config.length; index++) {
      const resource = config.at(index).asObject();
      const spec = readSpec(resource);
      const rules = spec.array("jwtRules");
      for (let at = 0; at < rules.length; at++) this.add(new JwtRule(rules.at(at).asObject(), context));
    }
  }

  private add(rule: JwtRule): void {
    const rules = this.rules;
    let at = rules.length;
    rules.push(rule);
    for (; at > 0 && rule.issuer < rules[at - 1].issuer; at--) rules[at] = rules[at - 1];
    rules[at] = rule;
  }

  /** Whether there is a rule at all. */
  get isActive(): bool {
    return this.rules.length > 0;
  }

  /**
   * The claims of the request's token, or `null`: then {@link awaitedKeys} tells whether it has one that cannot be verified
   * yet, and {@link isRefused} whether it has one that is not valid. On the way, headers that only this filter may set are
   * taken out of the request. {@link apply} does the rest.
   */
  authenticate(headers: RequestHeaders): Claims | null {
    this.status = JwtStatus.Ok;
    this.keys = null;
    const rules = this.rules;
    for (let index = 0; index < rules.length; index++) removeOutputs(unchecked(rules[index]), headers);
    if (isPreflight(headers)) return null;
    for (let index = 0; index < rules.length; index++) {
      const rule = unchecked(rules[index]);
      const claims = rule.authenticate(headers);
      if (claims !== null) {
        this.status = JwtStatus.Ok;
        this.keys = null;
        this.verifying = rule;
        return claims;
      }
      if (rule.problem == JwtStatus.KeysAwaited) this.keys = rule.remote;
      // What is wrong with a token of the right issuer says more than that it is another's.
      const isTelling = this.status == JwtStatus.Ok || rule.problem != JwtStatus.UnknownIssuer;
      if (rule.tokens > 0 && isTelling) this.status = rule.problem;
    }
    return null;
  }

  /** After {@link authenticate} gave claims: hands them on, and takes the token out of the request. */
  apply(headers: RequestHeaders, claims: Claims): void {
    publish(claims);
    this.verifying!.apply(headers, claims);
  }

  /** After {@link authenticate}: the keys that the request has to wait for before anything is known about its token. */
  get awaitedKeys(): RemoteJwks | null {
    return this.keys;
  }

  /** After {@link authenticate}: whether the request must not pass, whatever the policies say. */
  get isRefused(): bool {
    return this.status != JwtStatus.Ok;
  }

  /** After {@link authenticate}: why it must not. */
  get problem(): string {
    return jwtStatusText(this.status);
  }

  /** Answers a request that {@link isRefused}, as Envoy's `jwt_authn` does. */
  refuse(headers: RequestHeaders, answers: Answers): FilterHeaders {
    const problem = this.problem;
    return answers
      .toRefused(this.status == JwtStatus.AudienceNotAllowed ? 403 : 401, problem, problem)
      .header("www-authenticate", 'Bearer realm="' + realmOf(headers) + '", error="invalid_token"')
      .details("jwt_authn_access_denied{" + problem.replaceAll(" ", "_") + "}")
      .send();
  }
}

const LONGEST_REALM: i32 = 256;

const ORIGIN: Text = new Text("origin");
const REQUESTED_METHOD: Text = new Text("access-control-request-method");

function readSpec(resource: ConfigReader): ConfigReader {
  if (!resource.has("spec")) return acceptSpec(resource);
  const kind = resource.string("kind", "RequestAuthentication");
  if (kind != "RequestAuthentication") resource.get("kind").error('must be "RequestAuthentication"');
  resource.string("apiVersion", "");
  resource.ignore("metadata");
  resource.ignore("status");
  return acceptSpec(resource.object("spec"));
}

function acceptSpec(spec: ConfigReader): ConfigReader {
  ignoreScope(spec);
  return spec;
}

/** A client must not pretend to be somebody by sending the headers that the filter makes of claims. */
function removeOutputs(rule: JwtRule, headers: RequestHeaders): void {
  const payloadHeader = rule.payloadHeader;
  if (payloadHeader !== null && headers.getJoinedOf(payloadHeader) !== null) headers.deleteOf(payloadHeader);
  const claimHeaders = rule.claimHeaders;
  for (let index = 0; index < claimHeaders.length; index++) {
    const name = unchecked(claimHeaders[index]).name;
    if (headers.getJoinedOf(name) !== null) headers.deleteOf(name);
  }
}

/** A browser asks for leave before it sends the token (Fetch, "CORS-preflight request"). */
function isPreflight(headers: RequestHeaders): bool {
  const method = headers.getBytes(":method");
  return (
    method !== null && method.equals("OPTIONS") && hasValue(headers, ORIGIN) && hasValue(headers, REQUESTED_METHOD)
  );
}

/** As in Envoy, an empty header is as good as none. */
function hasValue(headers: RequestHeaders, name: Text): bool {
  const value = headers.getJoinedOf(name);
  return value !== null && value.length > 0;
}

/** For later filters, and the access log: the claims as they are in the token. */
function publish(claims: Claims): void {
  setPropertyBytes("jwt_payload", claims.payload.view);
}

/** The address that was asked for, without its query, which could hold a token. */
function realmOf(headers: RequestHeaders): string {
  let realm = headers.scheme + "://" + headers.authority + headers.path;
  const question = realm.indexOf("?");
  if (question >= 0) realm = realm.substring(0, question);
  return realm.substring(0, LONGEST_REALM).replaceAll("\\", "").replaceAll('"', "");
}
