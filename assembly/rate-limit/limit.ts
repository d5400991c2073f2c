import { ConfigReader, currentTimeNs, decimal, RequestHeaders, ResponseHeaders, SharedResult } from "@attache/sdk";
import { Algorithm, readAlgorithm } from "./algorithm";
import { Answer } from "./answer";
import { Cost } from "./cost";
import { Decision } from "./decision";
import { OnMissing } from "./key-entry";
import { LimitKey } from "./limit-key";
import { LimitMetrics } from "./limit-metrics";
import { checkName } from "./limit-name";
import { LimitSurroundings } from "./limit-surroundings";
import { Override } from "./override";
import { Percentage } from "./percentage";
import { Quota } from "./quota";
import { readQuota, readServiceQuota } from "./read-quota";
import { RequestMatches } from "./request-matches";
import { OverLimitCache } from "./service/over-limit-cache";
import { ServiceCode, ServiceReply, ServiceStatus } from "./service/service-reply";
import { StateTable } from "./state-table";
import { Verdict } from "./verdict";
import { NEVER } from "./window";

/** How often a change is tried again that another worker came before, until the failure mode decides. */
const MOST_ATTEMPTS: i32 = 16;

/** One entry of `limits`: whom it counts, what they may use, and the request that is being decided. */
@final
export class Limit {
  readonly name: string;
  /** What it answers: its own, or that of all limits. */
  readonly answer: Answer;
  readonly isShadow: bool;
  /** Counted by the service, for several proxies. */
  readonly isGlobal: bool;
  /** The service is asked without counting, and told what a request takes when its response comes. */
  private readonly isReported: bool;
  /** Whether all workers count together. */
  private readonly isShared: bool;
  private readonly algorithm: Algorithm;
  readonly metrics: LimitMetrics;
  /** What the last {@link decide} found, or {@link commit} changed it to. */
  verdict: Verdict = Verdict.NotConcerned;
  /** The quota that it found to apply. */
  quota: Quota;

  private readonly match: RequestMatches;
  readonly key: LimitKey;
  private readonly overrides: Override[] = [];
  private readonly ownQuota: Quota;
  private readonly cost: Cost;
  /** Whether shares of requests are those of certain keys, not any. */
  private readonly isSampledByKey: bool;
  private readonly enabled: Percentage;
  private readonly enforced: Percentage;
  private readonly allowsOnFailure: bool;
  private readonly failureDenied: Percentage;
  private readonly overs: OverLimitCache | null;
  private readonly slots: u32;
  private table: StateTable | null = null;

  private hash: u64 = 0;
  private charged: u64 = 0;
  private isEnforced: bool = true;
  private deniesFailure: bool = true;

  /** @param rule number of the rule that it stands in; -1 when it is for all others */
  constructor(
    config: ConfigReader,
    readonly rule: i32,
    surroundings: LimitSurroundings,
  ) {
    const name = config.required("name").asString();
    const scope = config.oneOf("scope", ["local", "global", "worker"], 0);
    const isGlobal = scope == 1;
    const parts = scope == 2 ? surroundings.replicas * surroundings.workers : surroundings.replicas;
    this.isShared = scope != 2;
    const algorithm = isGlobal ? Algorithm.Gcra : readAlgorithm(config);
    this.isGlobal = isGlobal;
    this.overs = isGlobal ? new OverLimitCache() : null;
    this.name = name;
    this.metrics = new LimitMetrics(name);
    const ownQuota = isGlobal ? readServiceQuota(config) : readQuota(config, algorithm, name, parts);
    ownQuota.readReplaced(config, surroundings);
    this.ownQuota = ownQuota;
    this.quota = ownQuota;
    this.match = new RequestMatches(config.array("match"));
    const cost = new Cost(config);
    this.cost = cost;
    this.isReported = isGlobal && cost.isLate;
    this.algorithm = algorithm;
    this.isSampledByKey = config.oneOf("percentBy", ["request", "key"], 0) == 1;
    this.enabled = new Percentage(config, "enabledPercent");
    this.enforced = new Percentage(config, "enforcedPercent");
    this.answer = config.has("response") ? new Answer(config.object("response")) : surroundings.answer;
    this.isShadow = config.oneOf("mode", ["enforce", "shadow"], 0) == 1;
    this.allowsOnFailure = config.oneOf("failureMode", ["deny", "allow"], 0) == 1;
    this.failureDenied = new Percentage(config, "failureModeDenyPercent");
    const key = config.array("key");
    const mostSlots: i64 = scope == 2 ? 65_536 : 4_194_304;
    const slots = min(surroundings.slots, mostSlots);
    this.slots = key.length == 0 || isGlobal ? 1 : <u32>config.integer("slots", slots, 4, mostSlots);
    this.key = new LimitKey(key, surroundings);

    if (config.has("name")) checkName(config.get("name"), name);
    if (cost.isLate && this.isConcurrency) config.error("with concurrency, responses tell no costs");
    const overrides = config.array("overrides");
    for (let index = 0; index < overrides.length; index++) {
      const entry = overrides.at(index).asObject();
      this.overrides.push(new Override(entry, this.key.entries, algorithm, name, isGlobal, parts, surroundings));
    }
    if (isGlobal && key.length == 0) config.error("a global limit needs a key");
  }

  /** Whether it counts requests until they end. */
  private get isConcurrency(): bool {
    return this.algorithm == Algorithm.Concurrency;
  }

  /** Whether what a request takes is only known later than when it is decided about. */
  get isOpenEnded(): bool {
    return this.isConcurrency || this.cost.isLate;
  }

  /** What the request that was decided about takes. */
  get takes(): u64 {
    return this.charged;
  }

  /** What clients may know of whom it counts the request for; `""` when it counts all together. */
  get partition(): string {
    return this.key.entries.length == 0 ? "" : this.key.disclose(this.hash);
  }

  /** What the states of this limit depend on, as text. */
  get definition(): string {
    let text = this.name + "\0" + this.ownQuota.definition + this.key.definition;
    for (let index = 0; index < this.overrides.length; index++) text += "\0" + this.overrides[index].quota.definition;
    return text;
  }

  /** @param generation set apart from other states of a limit with this name, as those of other algorithms always are */
  openTable(generation: string): void {
    if (this.isGlobal) return;
    let size = this.ownQuota.stateSize;
    for (let index = 0; index < this.overrides.length; index++) {
      size = max(size, this.overrides[index].quota.stateSize);
    }
    const name = "rate-limit\0" + this.name + "\0" + decimal(this.algorithm) + generation;
    this.table = new StateTable(name, this.slots, size, this.isShared);
  }

  /** Whether a request over this limit, or one that could not be counted, is to be answered by the filter. */
  get rejects(): bool {
    if (!this.isEnforced) return false;
    return this.verdict == Verdict.Over || (this.verdict == Verdict.Failed && this.deniesFailure);
  }

  /** Whether the limit is for this request; {@link decide} decides about it then. Cost: what match and key take. */
  concerns(headers: RequestHeaders): bool {
    this.leave();
    if (!this.match.matches(headers) || (!this.isSampledByKey && !this.enabled.takes(0))) return false;
    const missing = this.key.read(headers);
    if (missing == OnMissing.SkipLimit) return false;
    const sample = this.isSampledByKey && missing != OnMissing.Reject ? this.key.sample : 0;
    if (sample != 0 && !this.enabled.takes(sample)) return false;
    this.isEnforced = !this.isShadow && this.enforced.takes(rotl(sample, 32));
    this.deniesFailure = !this.allowsOnFailure && this.failureDenied.takes(0);
    this.quota = missing == OnMissing.Reject ? nothing() : this.findQuota();
    this.hash = this.key.hash;
    this.quota.closest = null;
    this.verdict = Verdict.Undecided;
    // What is not enforced changes nothing.
    if (this.isEnforced) this.quota.replace();
    return true;
  }

  /** Decides about a request without changing what others see. Cost: one host call. */
  decide(headers: RequestHeaders, now: u64): void {
    if (this.quota.isUnlimited) this.verdict = Verdict.Allowed;
    else if (this.quota.isBan) this.verdict = Verdict.Over;
    else if (now == 0) this.verdict = Verdict.Failed;
    else {
      this.charged = this.isReported ? 0 : this.cost.of(headers);
      const table = this.table;
      if (table !== null) this.charge(table, now);
      else this.lookUp(now);
    }
  }

  /** Whether the service has to be asked; not about a key that it has just said is used up. */
  private lookUp(now: u64): void {
    const over = this.overs!.find(this.hash, now);
    this.verdict = over === null ? Verdict.Asked : Verdict.Over;
    if (over !== null) this.quota = over;
  }

  /** Forgets the request: another limit decides about it. */
  leave(): void {
    this.verdict = Verdict.NotConcerned;
    this.charged = 0;
  }

  /** Writes what {@link decide} has charged; tries again, and decides again, when other workers wrote meanwhile. */
  commit(now: u64): Verdict {
    const table = this.table;
    if (this.charged == 0 || table === null) return this.verdict;
    for (let attempt = 0; this.verdict == Verdict.Allowed; attempt++) {
      const result = table.commit(this.quota);
      if (result == SharedResult.Done) {
        if (table.evicted) this.metrics.evicted.increment();
        return Verdict.Allowed;
      }
      if (result == SharedResult.Refused || attempt == MOST_ATTEMPTS) this.verdict = Verdict.Failed;
      else {
        this.metrics.casRetry.increment();
        this.charge(table, now);
      }
    }
    return this.verdict;
  }

  /** What this limit has decided, for a later callback, before `next`; only that when the request does not concern it. */
  keep(next: Decision | null): Decision | null {
    if (this.verdict == Verdict.NotConcerned) return next;
    const decision = new Decision(this, next, this.verdict, this.quota, this.hash, this.charged, this.isEnforced, this.deniesFailure); // prettier-ignore
    const table = this.table;
    if (table !== null && decision.hasTaken) this.quota.readIdle(table.states, decision.idle);
    if (this.isReported && this.verdict == Verdict.Asked) decision.unreported = this.key.save();
    return decision;
  }

  /** Becomes what it was when it decided so. */
  recall(decision: Decision): void {
    this.verdict = decision.verdict;
    this.quota = decision.quota;
    this.hash = decision.hash;
    this.charged = decision.charged;
    this.isEnforced = decision.isEnforced;
    this.deniesFailure = decision.deniesFailure;
  }

  /** Gives back what a request has taken. Cost: two host calls. */
  refund(decision: Decision, now: u64): void {
    this.correct(decision, 0, now);
  }

  /**
   * Takes what a request costs by its response, or without one, instead of what it has taken. The answer is whether the service
   * has to be told. Cost: three host calls, or none.
   */
  settle(decision: Decision, headers: ResponseHeaders | null): bool {
    const values = decision.unreported;
    if (values === null) {
      if (headers !== null && this.cost.isLate) this.correct(decision, this.cost.ofResponse(headers), currentTimeNs());
      return false;
    }
    decision.unreported = null;
    this.recall(decision);
    this.key.restore(values);
    this.charged = this.cost.ofResponse(headers);
    return this.charged > 0;
  }

  /** A request has ended. Cost: three host calls, or none. */
  end(decision: Decision): void {
    if (this.isConcurrency) this.refund(decision, currentTimeNs());
  }

  /** Has a request take `cost` instead of what it has taken here, if it has. */
  private correct(decision: Decision, cost: u64, now: u64): void {
    const table = this.table;
    if (table === null || !decision.hasTaken) return;
    const charged = decision.charged;
    const quota = decision.quota;
    for (let attempt = 0; cost != charged && attempt <= MOST_ATTEMPTS; attempt++) {
      const states = table.open(decision.hash, now);
      if (states == 0) return;
      if (cost > charged) quota.charge(states, now, cost - charged, true);
      // A key that was evicted meanwhile has nothing left to give back.
      else if (table.isNew) return;
      else quota.refund(states, now, decision.idle, charged - cost);
      if (table.commit(quota) != SharedResult.Contended) return;
    }
  }

  /**
   * Takes over what the service says.
   *
   * @param reply `null` or of the code `Unknown` when it did not say anything
   * @param status of this limit's descriptor; `null` when the reply has none
   */
  answered(reply: ServiceReply | null, status: ServiceStatus | null, now: u64): void {
    if (this.verdict != Verdict.Asked) return;
    const code = status !== null && status.code != ServiceCode.Unknown ? status.code : reply === null ? 0 : reply.code;
    if (reply === null || reply.code == ServiceCode.Unknown) {
      this.verdict = Verdict.Failed;
      return;
    }
    this.verdict = code == ServiceCode.OverLimit ? Verdict.Over : Verdict.Allowed;
    if (status === null) return;
    this.quota = status.quota(this.name);
    const window = this.quota.closest;
    if (window === null || window.remaining > 0) return;
    // What counts nothing passes the service even when nothing is left.
    if (this.isReported) this.verdict = Verdict.Over;
    const overs = this.overs;
    if (overs !== null && this.verdict == Verdict.Over && window.resetNs > 0) overs.add(this.hash, now + window.resetNs, this.quota); // prettier-ignore
  }

  /** Whether the service rejects the request for it. */
  get isOverGlobal(): bool {
    return this.isGlobal && this.verdict == Verdict.Over;
  }

  /** Nanoseconds that a rejected request should wait; {@link NEVER} when waiting does not help. */
  get waitNs(): u64 {
    const closest = this.quota.closest;
    return closest === null || this.verdict != Verdict.Over ? NEVER : closest.waitNs;
  }

  /** Counts what became of the request; what this limit allowed and another one rejected is not counted. */
  count(isRejected: bool): void {
    const metrics = this.metrics;
    if (this.verdict == Verdict.Allowed) {
      if (!isRejected) metrics.ok.increment();
    } else if (this.verdict == Verdict.Over) {
      (this.isEnforced ? metrics.overLimit : metrics.shadowOverLimit).increment();
    } else if (this.verdict == Verdict.Failed) {
      metrics.error.increment();
      if (!this.rejects) metrics.failureModeAllowed.increment();
    }
  }

  private charge(table: StateTable, now: u64): void {
    let states = table.open(this.hash, now);
    // A rejected request writes nothing, so what the clock has done is written by itself.
    if (states != 0 && this.quota.bringBack(states, now)) {
      table.commit(this.quota);
      states = table.open(this.hash, now);
    }
    if (states == 0) this.verdict = Verdict.Failed;
    else this.verdict = this.quota.charge(states, now, this.charged, false) ? Verdict.Allowed : Verdict.Over;
  }

  private findQuota(): Quota {
    const overrides = this.overrides;
    for (let index = 0; index < overrides.length; index++) {
      const candidate = unchecked(overrides[index]);
      if (!candidate.takes(this.key.values)) continue;
      if (candidate.isShared) this.key.share(index + 1, candidate.entries);
      return candidate.quota;
    }
    return this.ownQuota;
  }
}

/** For a request that must have a key and has none. */
function nothing(): Quota {
  const quota = new Quota();
  quota.isBan = true;
  return quota;
}
