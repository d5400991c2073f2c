import { ConfigReader, Counter, currentTimeNs, decimal, HttpFilter, isHeaderName, Plugin, publishConfigStatus, RequestHeaders, ResponseHeaders } from "@attache/sdk"; // prettier-ignore
import { Decision } from "./decision";
import { exactlyOne } from "./exactly-one";
import { Limit } from "./limit";
import { LimitSurroundings } from "./limit-surroundings";
import { LimitedStream } from "./limited-stream";
import { Rule } from "./rule";
import { QuotaHeaders } from "./quota-headers";
import { GrpcService } from "./service/grpc-service";
import { JsonService } from "./service/json-service";
import { RateLimitService } from "./service/rate-limit-service";
import { ServiceReply, ServiceStatus } from "./service/service-reply";
import { Shedding } from "./shedding";
import { sipHash } from "./sip-hash";
import { Verdict } from "./verdict";

/** Limits with this number are for requests that no rule is for. */
const NO_RULE: i32 = -1;

/**
 * Answers requests that are over a limit. All workers of a proxy count together, exactly. Configuration: README.md.
 */
export class RateLimit extends Plugin {
  limits: Limit[] = [];
  /** Whether the first limit that concerns a request decides alone. */
  isFirstOnly: bool = false;
  headers: QuotaHeaders | null = null;
  shedding: Shedding | null = null;
  /** Counts the global limits; `null` when there are none. */
  service: RateLimitService | null = null;
  /** Whether some limits only know later what a request takes. */
  isOpenEnded: bool = false;
  /** Whether the service has to be asked about the last request. */
  isAsking: bool = false;
  /** Of requests over a limit that is not enforced; `""`: none. */
  private shadowHeader: string = "";
  private readonly rules: Rule[] = [];
  /** What states depend on, as text. */
  private definition: string = "";
  readonly shed: Counter = new Counter("rate_limit.shed");

  override configure(config: ConfigReader): void {
    config.expandEnvironment();
    this.isFirstOnly = config.oneOf("evaluation", ["all", "first"], 0) == 1;
    this.headers = new QuotaHeaders(config.object("response"));
    this.shadowHeader = config.string("shadowHeader", "");
    if (config.has("shadowHeader") && !isHeaderName(this.shadowHeader)) config.get("shadowHeader").error("is not a header name"); // prettier-ignore
    const shed = config.object("shed");
    if (shed.isPresent) this.shedding = new Shedding(shed);
    const surroundings = new LimitSurroundings(config, this.limits);
    const keepsState = config.object("state").bool("keepOnReload", false);
    const rules = config.array("rules");
    for (let index = 0; index < rules.length; index++) {
      const rule = rules.at(index).asObject();
      this.rules.push(new Rule(rule));
      this.readLimits(rule.array("limits"), index, surroundings);
    }
    this.readLimits(config.array("limits"), NO_RULE, surroundings);
    if (this.limits.length == 0 && !shed.isPresent) config.error("limits or shed must be given");
    let isGlobal = config.has("rateLimitService") || config.has("domain");
    const generation = keepsState ? "" : hashOf(this.definition);
    for (let index = 0; index < this.limits.length; index++) {
      const limit = this.limits[index];
      isGlobal = isGlobal || limit.isGlobal;
      this.isOpenEnded = this.isOpenEnded || limit.isOpenEnded;
      limit.openTable(generation);
    }
    if (isGlobal) this.service = readService(config);
    publishConfigStatus(config);
  }

  private readLimits(config: ConfigReader, rule: i32, surroundings: LimitSurroundings): void {
    for (let index = 0; index < config.length; index++) {
      const entry = config.at(index).asObject();
      const limit = new Limit(entry, rule, surroundings);
      if (surroundings.find(limit.name) !== null) entry.get("name").error("another limit has this name already");
      this.limits.push(limit);
      this.definition += limit.definition + "\0\0";
    }
  }

  override createFilter(): HttpFilter {
    return new LimitedStream(this);
  }

  /**
   * Decides about a request, and takes from the local limits what it costs; the limit that rejects it, or `null`. A request
   * that a limit rejects uses nothing up. With {@link isAsking}, the service has a say as well, and its question is ready.
   */
  decide(headers: RequestHeaders): Limit | null {
    const limits = this.limits;
    const rule = this.findRule(headers);
    let isLast = false;
    for (let index = 0; index < limits.length; index++) {
      const limit = unchecked(limits[index]);
      if (isLast || limit.rule != rule) limit.leave();
      else isLast = limit.concerns(headers) && this.isFirstOnly;
    }
    let now: u64 = 0;
    for (let index = 0; index < limits.length; index++) {
      const limit = unchecked(limits[index]);
      if (limit.verdict != Verdict.Undecided) continue;
      if (now == 0) now = currentTimeNs();
      limit.decide(headers, now);
    }
    const rejecting = this.rejecting();
    return rejecting === null ? this.commit(now) : rejecting;
  }

  /** Of the limits that reject, the one that must be waited for longest. */
  private rejecting(): Limit | null {
    const limits = this.limits;
    let rejecting: Limit | null = null;
    for (let index = 0; index < limits.length; index++) {
      const limit = unchecked(limits[index]);
      if (limit.rejects && (rejecting === null || limit.waitNs > rejecting.waitNs)) rejecting = limit;
    }
    return rejecting;
  }

  /** Writes what all limits have charged. If one of them rejects the request after all, the others get it back. */
  private commit(now: u64): Limit | null {
    const limits = this.limits;
    const service = this.service;
    this.isAsking = false;
    for (let index = 0; index < limits.length; index++) {
      const limit = unchecked(limits[index]);
      if (limit.verdict == Verdict.NotConcerned) continue;
      limit.commit(now);
      if (limit.rejects) {
        let before: Decision | null = null;
        for (let earlier = 0; earlier < index; earlier++) before = unchecked(limits[earlier]).keep(before);
        refundAll(before, now);
        return limit;
      }
      if (limit.verdict != Verdict.Asked || service === null) continue;
      if (!this.isAsking) service.begin();
      this.isAsking = true;
      service.add(limit);
    }
    return null;
  }

  /** What all limits have decided about the last request. */
  keep(): Decision | null {
    let first: Decision | null = null;
    for (let index = this.limits.length - 1; index >= 0; index--) {
      first = unchecked(this.limits[index]).keep(first);
    }
    return first;
  }

  /** Goes on with a request that the service was asked about: the limit that rejects it, or `null`. */
  answered(first: Decision | null, reply: ServiceReply | null): Limit | null {
    const now = currentTimeNs();
    const limits = this.limits;
    for (let index = 0; index < limits.length; index++) unchecked(limits[index]).leave();
    // Statuses that contradict the answer as a whole are none.
    let status: ServiceStatus | null = reply === null || reply.isOverForAll ? null : reply.firstStatus;
    let decision = first;
    while (decision !== null) {
      decision.recall();
      if (decision.verdict == Verdict.Asked) {
        decision.limit.answered(reply, status, now);
        if (status !== null) status = status.next;
      }
      decision = decision.next;
    }
    const rejecting = this.rejecting();
    if (rejecting !== null) refundAll(first, now);
    return rejecting;
  }

  /** The response to a request is known, or, with `null`, there is none: what it costs by that is taken instead of what it has taken. */
  settle(first: Decision | null, headers: ResponseHeaders | null): void {
    const service = this.service;
    let isReporting = false;
    let decision = first;
    while (decision !== null) {
      const limit = decision.limit;
      if (limit.settle(decision, headers) && service !== null) {
        if (!isReporting) service.begin();
        isReporting = true;
        service.add(limit);
      }
      decision = decision.next;
    }
    if (isReporting && service !== null) service.report();
  }

  /** A request that was let pass is over. */
  end(first: Decision | null): void {
    this.settle(first, null);
    let decision = first;
    while (decision !== null) {
      decision.limit.end(decision);
      decision = decision.next;
    }
  }

  /** Names to the upstream the limits that would have rejected the request if they were enforced. */
  tellShadow(headers: RequestHeaders): void {
    const header = this.shadowHeader;
    if (header.length == 0) return;
    let names = "";
    for (let index = 0; index < this.limits.length; index++) {
      const limit = this.limits[index];
      if (limit.verdict == Verdict.Over) names += (names.length > 0 ? ", " : "") + limit.name;
    }
    if (names.length > 0) headers.set(header, names);
    else if (headers.has(header)) headers.delete(header);
  }

  /** Counts what became of the last request. */
  count(rejecting: Limit | null): void {
    for (let index = 0; index < this.limits.length; index++) unchecked(this.limits[index]).count(rejecting !== null);
  }

  /** Number of the first rule for the request. */
  private findRule(headers: RequestHeaders): i32 {
    const rules = this.rules;
    for (let index = 0; index < rules.length; index++) if (unchecked(rules[index]).matches(headers)) return index;
    return NO_RULE;
  }
}

function readService(config: ConfigReader): RateLimitService {
  const service = config.object("rateLimitService");
  const grpc = service.object("grpc");
  const http = service.object("http");
  exactlyOne(config.get("rateLimitService"), <i32>grpc.isPresent + <i32>http.isPresent, "grpc and http");
  return http.isPresent ? new JsonService(config, http) : new GrpcService(config, grpc);
}

/** 64 bits of text. */
function hashOf(text: string): string {
  return decimal(sipHash(changetype<usize>(text), (<usize>text.length) << 1, 0, 0));
}

/** Gives back what limits have taken from a request that another one rejects. */
function refundAll(first: Decision | null, now: u64): void {
  let decision = first;
  while (decision !== null) {
    decision.limit.refund(decision, now);
    decision = decision.next;
  }
}
