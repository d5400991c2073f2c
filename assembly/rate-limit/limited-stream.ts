import { continueRequest, FilterHeaders, HttpFilter, LocalReply, RequestHeaders, ResponseHeaders } from "@attache/sdk"; // prettier-ignore
import { Decision } from "./decision";
import { HeaderFields } from "./header-fields";
import { Limit } from "./limit";
import { RateLimit } from "./rate-limit";
import { ServiceReply } from "./service/service-reply";
import { Verdict } from "./verdict";

/** A request under limits, and its response. */
@final
export class LimitedStream extends HttpFilter {
  /** For the response to an allowed request. */
  private report: HeaderFields | null = null;
  private serviceFields: HeaderFields | null = null;
  /** What each limit decided: while the service is asked, and until the end when it is needed then. */
  private decisions: Decision | null = null;
  private request: RequestHeaders | null = null;

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
    const rejecting = plugin.decide(headers);
    if (rejecting === null && (plugin.isAsking || plugin.isOpenEnded)) this.decisions = plugin.keep();
    if (rejecting !== null || !plugin.isAsking) return this.conclude(headers, rejecting, null);
    this.request = headers;
    const service = plugin.service;
    if (service !== null && service.send(this)) return FilterHeaders.StopAllIterationAndWatermark;
    return this.decide(headers, null);
  }

  /** The service has answered, or not, with `null`: the request goes on or is answered. */
  continueWith(reply: ServiceReply | null): void {
    const headers = this.request;
    if (headers !== null && this.decide(headers, reply) == FilterHeaders.Continue) continueRequest();
  }

  private decide(headers: RequestHeaders, reply: ServiceReply | null): FilterHeaders {
    const rejecting = this.plugin.answered(this.decisions, reply);
    if (rejecting === null && reply !== null) {
      reply.requestFields.writeTo(headers, false);
      this.serviceFields = reply.responseFields;
    }
    return this.conclude(headers, rejecting, reply);
  }

  private conclude(headers: RequestHeaders, rejecting: Limit | null, reply: ServiceReply | null): FilterHeaders {
    const plugin = this.plugin;
    const quotaHeaders = plugin.headers!;
    plugin.count(rejecting);
    if (rejecting !== null || !plugin.isOpenEnded) this.decisions = null;
    if (rejecting === null) {
      plugin.tellShadow(headers);
      if (quotaHeaders.areOnAllowed) this.report = quotaHeaders.report(plugin.limits, null);
      return FilterHeaders.Continue;
    }
    const isError = rejecting.verdict == Verdict.Failed;
    const answering = rejecting.answer.reply(rejecting.name, isError, reply === null ? "" : reply.body);
    quotaHeaders.report(plugin.limits, rejecting).addTo(answering);
    if (reply !== null) reply.responseFields.addTo(answering);
    return answering.send();
  }

  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    const report = this.report;
    const serviceFields = this.serviceFields;
    if (this.decisions !== null) this.plugin.settle(this.decisions, headers);
    if (report !== null) report.writeTo(headers, true);
    if (serviceFields !== null) serviceFields.writeTo(headers, false);
    return FilterHeaders.Continue;
  }

  override onDelete(): void {
    if (this.decisions !== null) this.plugin.end(this.decisions);
  }
}
