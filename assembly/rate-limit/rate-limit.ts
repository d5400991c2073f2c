import { ConfigReader, Counter, currentTimeNs, FilterHeaders, HttpFilter, LocalReply, Plugin, RequestHeaders, ResponseHeaders, xxHash64 } from "@attache/sdk"; // prettier-ignore
import { Answer } from "./answer";
import { ClientAddress } from "./client-address";
import { decimal } from "./decimal";
import { Limit, Verdict } from "./limit";
import { QuotaHeaders, QuotaReport } from "./quota-headers";
import { Shedding } from "./shedding";

/**
 * Answers requests that are over a limit. All workers of a proxy count together, exactly. Configuration: README.md.
 */
export class RateLimit extends Plugin {
  limits: Limit[] = [];
  /** Whether the first limit that concerns a request decides alone. */
  isFirstOnly: bool = false;
  answer: Answer | null = null;
  headers: QuotaHeaders | null = null;
  shedding: Shedding | null = null;
  readonly shed: Counter = new Counter("rate_limit.shed");

  override configure(config: ConfigReader): void {
    rejectUnsupported(config);
    this.isFirstOnly = config.oneOf("evaluation", ["all", "first"], 0) == 1;
    const response = config.object("response");
    this.answer = new Answer(response);
    this.headers = new QuotaHeaders(response);
    const shed = config.object("shed");
    if (shed.isPresent) this.shedding = new Shedding(shed);
    const client = new ClientAddress(config.object("clientAddress"));
    const state = config.object("state");
    const slots = state.integer("slots", 16_384, 4, 4_194_304);
    const keepsState = state.bool("keepOnReload", false);
    const limits = config.array("limits");
    if (limits.length == 0 && !shed.isPresent) config.error("limits or shed must be given");
    let definition = "";
    for (let index = 0; index < limits.length; index++) {
      const entry = limits.at(index).asObject();
      const limit = new Limit(entry, client, slots);
      if (this.findLimit(limit.name) !== null) entry.get("name").error("another limit has this name already");
      this.limits.push(limit);
      definition += limit.definition + "\0\0";
    }
    const generation = keepsState ? "" : hashOf(definition);
    for (let index = 0; index < this.limits.length; index++) this.limits[index].openTable(generation);
  }

  override createFilter(): HttpFilter {
    return new LimitedStream(this);
  }

  /** Counts a request; the limit that rejects it, or `null`. A rejected request uses nothing up. */
  decide(headers: RequestHeaders): Limit | null {
    const limits = this.limits;
    let now: u64 = 0;
    let isDecided = false;
    let rejecting: Limit | null = null;
    for (let index = 0; index < limits.length; index++) {
      const limit = unchecked(limits[index]);
      if (isDecided) {
        limit.leave();
        continue;
      }
      if (!limit.concerns(headers)) continue;
      if (now == 0) now = currentTimeNs();
      limit.decide(headers, now);
      isDecided = this.isFirstOnly;
      // Of several, the client hears of the one that it must wait for longest.
      if (limit.rejects && (rejecting === null || limit.waitNs > rejecting.waitNs)) rejecting = limit;
    }
    if (rejecting === null) rejecting = this.commit(now);
    for (let index = 0; index < limits.length; index++) unchecked(limits[index]).count(rejecting !== null);
    return rejecting;
  }

  /** Writes what all limits have charged. If one of them rejects the request after all, the others get it back. */
  private commit(now: u64): Limit | null {
    const limits = this.limits;
    for (let index = 0; index < limits.length; index++) {
      const limit = unchecked(limits[index]);
      if (limit.verdict == Verdict.NotConcerned) continue;
      limit.commit(now);
      if (!limit.rejects) continue;
      for (let before = 0; before < index; before++) unchecked(limits[before]).refund(now);
      return limit;
    }
    return null;
  }

  private findLimit(name: string): Limit | null {
    for (let index = 0; index < this.limits.length; index++) {
      if (this.limits[index].name == name) return this.limits[index];
    }
    return null;
  }
}

class LimitedStream extends HttpFilter {
  /** For the response to an allowed request. */
  private report: QuotaReport | null = null;

  constructor(private readonly plugin: RateLimit) {
    super();
  }

  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const plugin = this.plugin;
    const shedding = plugin.shedding;
    if (shedding !== null && shedding.sheds(headers)) {
      plugin.shed.increment();
      return new LocalReply(429).text("Too busy").grpcStatus(8).details("rate_limit_shed").send();
    }
    const quotaHeaders = plugin.headers!;
    const rejecting = plugin.decide(headers);
    if (rejecting === null) {
      if (quotaHeaders.areOnAllowed) this.report = quotaHeaders.report(plugin.limits, null);
      return FilterHeaders.Continue;
    }
    const answer = rejecting.answer !== null ? rejecting.answer! : plugin.answer!;
    const reply = answer.reply(rejecting.name, rejecting.verdict == Verdict.Failed);
    quotaHeaders.report(plugin.limits, rejecting).addTo(reply);
    return reply.send();
  }

  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    const report = this.report;
    if (report !== null) report.applyTo(headers);
    return FilterHeaders.Continue;
  }
}

/** What other rate limit filters have and this one has not yet must not look as if it worked. */
function rejectUnsupported(config: ConfigReader): void {
  if (config.has("domain")) config.get("domain").error(NO_SERVICE);
  if (config.has("rateLimitService")) config.get("rateLimitService").error(NO_SERVICE);
  if (config.has("rules")) config.get("rules").error("is not supported yet: give each limit a match");
}

// @ts-ignore: decorator
@lazy
const NO_SERVICE = "global limits are not supported yet";

/** 64 bits of text. */
function hashOf(text: string): string {
  return decimal(xxHash64(changetype<usize>(text), (<usize>text.length) << 1));
}
