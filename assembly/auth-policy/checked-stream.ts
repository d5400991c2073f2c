import {
  Body,
  BodyAccess,
  ByteView,
  CalloutRefusal,
  continueRequest,
  Counter,
  FilterData,
  FilterHeaders,
  LocalReply,
  log,
  OverLimit,
  RequestHeaders,
  ResponseHeaders,
} from "@attache/sdk";
import { AuthorizedStream } from "./authorized-stream";
import { Claims } from "./claims";
import { Authorizer } from "./external/authorizer";
import { HeaderChanges, isSettable } from "./external/header-changes";
import { Verdict } from "./external/verdict";

/** A request that external services have a say in, one after the other, before the other policies. */
@final
export class CheckedStream extends AuthorizedStream {
  headers: RequestHeaders | null = null;
  claims: Claims | null = null;
  private isWithoutBody: bool = false;
  private isAuthenticated: bool = false;
  /** Whether the request waits for keys. */
  private isWaiting: bool = false;
  /** The beginning of the body; `null` when it was not collected. */
  private body: StaticArray<u8> | null = null;
  private isTruncated: bool = false;
  /** The service to look at next. */
  private next: i32 = 0;
  private rule: string = "";
  /** For the response. */
  private readonly additions: HeaderChanges[] = [];

  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    this.isWithoutBody = endOfStream;
    return this.decide(headers);
  }

  override onWholeRequestBody(body: Body): FilterData {
    const bytes = body.bytes();
    const copy = new StaticArray<u8>(bytes.length);
    memory.copy(changetype<usize>(copy), bytes.start, bytes.length);
    this.body = copy;
    this.isTruncated = body.isTruncated;
    if (this.isWaiting) return FilterData.StopIterationAndBuffer;
    const status = this.isAuthenticated ? this.goOn() : this.decide(this.headers!);
    return status == FilterHeaders.Continue ? FilterData.Continue : FilterData.StopIterationAndBuffer;
  }

  override resume(headers: RequestHeaders): void {
    this.isWaiting = false;
    // What is still to come of the body decides on.
    if (this.body !== null || this.collectableBytes(headers) == 0) super.resume(headers);
  }

  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    for (let index = 0; index < this.additions.length; index++) this.additions[index].applyTo(headers);
    return FilterHeaders.Continue;
  }

  /** Who the peer's certificate says it is. */
  get principal(): ByteView | null {
    return this.plugin.request.principal;
  }

  /** Whether services are told the address of the client, for that of the direct peer. */
  get tellsAddress(): bool {
    return this.plugin.takesRemoteForPeer;
  }

  /** The body, as far as a service wants to see it; `null` when it does not. */
  bodyFor(authorizer: Authorizer): ByteView | null {
    const body = this.body;
    if (body === null || authorizer.bodyLimit == 0) return null;
    return ByteView.of(changetype<usize>(body), min(body.length, authorizer.bodyLimit));
  }

  /** Whether {@link bodyFor} is not all of it. */
  isPartialFor(authorizer: Authorizer): bool {
    const body = this.body;
    return this.isTruncated || (body !== null && body.length > authorizer.bodyLimit);
  }

  /** A service has answered; `null` for what is no answer, which is never taken for leave. */
  answered(authorizer: Authorizer, verdict: Verdict | null): void {
    if (verdict === null || !verdict.isValid) {
      this.fail(authorizer, "its answer cannot be used");
    } else if (!verdict.isAllowed) {
      denials.increment();
      this.plugin.reportDenied(this.rule);
      const reply = new LocalReply(verdict.status).text(verdict.body).details("ext_authz_denied");
      verdict.toClient.addTo(reply);
      reply.send();
    } else if (!this.change(verdict)) {
      this.fail(authorizer, "the proxy refuses its headers");
    } else {
      grants.increment();
      if (!verdict.toClient.isEmpty) this.additions.push(verdict.toClient);
      if (this.goOn() == FilterHeaders.Continue) continueRequest();
    }
  }

  /** A service has not answered. */
  failed(authorizer: Authorizer): void {
    if (this.pass(authorizer) && this.goOn() == FilterHeaders.Continue) continueRequest();
  }

  protected override decide(headers: RequestHeaders): FilterHeaders {
    const plugin = this.plugin;
    this.headers = headers;
    const status = plugin.authenticate(this, headers);
    const limit = this.body === null ? this.collectableBytes(headers) : 0;
    if (status == FilterHeaders.StopAllIterationAndWatermark) {
      this.isWaiting = true;
      // While everything is held no body can be collected: it is now, for whoever may want to see it.
      return limit == 0 ? status : this.collect(limit);
    }
    if (status != FilterHeaders.Continue) return status;
    this.isAuthenticated = true;
    this.claims = plugin.request.claims;
    if (limit > 0 && this.isAsking()) return this.collect(limit);
    return this.check();
  }

  /** How much of the body services may want to see; 0 when there is none. */
  private collectableBytes(headers: RequestHeaders): i32 {
    // Envoy does not wait for bodies of connections that change their protocol, which do not end.
    const isUpgrade = headers.has("upgrade") || headers.method == "CONNECT";
    return this.isWithoutBody || isUpgrade ? 0 : this.plugin.bodyLimit;
  }

  private collect(limit: i32): FilterHeaders {
    return this.headers!.collectBody(false, limit, OverLimit.Truncate, BodyAccess.HoldHeaders);
  }

  /** Whether a service will be asked about the request. */
  private isAsking(): bool {
    const authorizers = this.plugin.authorizers;
    for (let index = 0; index < authorizers.length; index++) {
      if (authorizers[index].rules.find(this.plugin.request) !== null) return true;
    }
    return false;
  }

  /** In a later callback: decides on. */
  private goOn(): FilterHeaders {
    const status = this.plugin.look(this.headers!, this.claims);
    return status == FilterHeaders.Continue ? this.check() : status;
  }

  /** Asks the next service whose policies match; after the last, the other policies decide. */
  private check(): FilterHeaders {
    const authorizers = this.plugin.authorizers;
    while (this.next < authorizers.length) {
      const authorizer = authorizers[this.next++];
      const rule = authorizer.rules.find(this.plugin.request);
      if (rule === null) continue;
      this.rule = rule.id;
      if (authorizer.bodyLimit > 0 && !authorizer.takesPartialBody && this.isPartialFor(authorizer)) {
        this.plugin.reportDenied(rule.id);
        return this.plugin.answers
          .toRefused(413, "Payload Too Large", rule.id)
          .details("request_payload_too_large")
          .send();
      }
      const refusal = authorizer.ask(this);
      if (refusal == CalloutRefusal.None) return FilterHeaders.StopAllIterationAndWatermark;
      // A request that cannot be put to the service is the client's doing, not the service's.
      const isUnfit = refusal == CalloutRefusal.InvalidRequest;
      if (isUnfit) this.fail(authorizer, "it cannot be asked about such a request");
      if (isUnfit || !this.pass(authorizer)) return FilterHeaders.StopIteration;
    }
    return this.plugin.authorize();
  }

  /** Whether a request passes that a service says nothing of; it is answered if not. */
  private pass(authorizer: Authorizer): bool {
    if (authorizer.failsOpen) failures.increment();
    else this.fail(authorizer, "no answer");
    return authorizer.failsOpen;
  }

  /** Answers a request that a service has nothing of use to say about. */
  private fail(authorizer: Authorizer, why: string): void {
    failures.increment();
    log.warn("auth-policy: " + authorizer.name + ": " + why);
    this.plugin.reportDenied(this.rule);
    new LocalReply(authorizer.statusOnError).details("ext_authz_error").send();
  }

  /** Changes the request as the service says. */
  private change(verdict: Verdict): bool {
    const headers = this.headers!;
    for (let index = 0; index < verdict.removed.length; index++) {
      if (isSettable(verdict.removed[index])) headers.delete(verdict.removed[index]);
    }
    return verdict.toUpstream.applyTo(headers);
  }
}

const grants = new Counter("auth_policy.ext_authz_ok");
const denials = new Counter("auth_policy.ext_authz_denied");
const failures = new Counter("auth_policy.ext_authz_error");
