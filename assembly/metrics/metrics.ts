import { ConfigReader, currentTimeNs, Gauge, HttpFilter, Plugin, publishConfigStatus } from "@attache/sdk";
import { AccessLog } from "./access-log";
import { Attributes, beginEvaluation } from "./expression/attribute";
import { CommonAttributes } from "./expression/common-attributes";
import { ExpressionParser } from "./expression/parser";
import { GrpcMessages } from "./grpc-messages";
import { MeasuredStream } from "./measured-stream";
import { Measurement, measurements } from "./measurement";
import { MetricPlans } from "./metric-plans";
import { PathTemplates } from "./path-templates";
import { Reporter } from "./reporter";
import { Protocol, StandardValues } from "./standard-values";

const SECOND: i64 = 1_000_000_000;

/**
 * Counts and measures requests when they have ended: Istio's standard metrics, and others by expressions over attributes.
 * Messages of gRPC are counted as they pass. Configuration: README.md.
 */
export class Metrics extends Plugin {
  private measurements: Measurement[] = [];
  /** Of what counts messages. */
  private messageMeasurements: Measurement[] = [];
  private plans: MetricPlans | null = null;
  private reportingNs: u64 = 0;
  private standard: StandardValues | null = null;
  private inFlight: Gauge | null = null;
  private accessLog: AccessLog | null = null;
  private readonly common: CommonAttributes = new CommonAttributes();

  override configure(config: ConfigReader): void {
    config.expandEnvironment();
    const attributes = new Attributes();
    const reporter = new Reporter(config, attributes);
    const templates = new PathTemplates(config.array("pathTemplates"));
    const parser = new ExpressionParser(attributes, templates, reporter);
    const plans = new MetricPlans(parser, attributes);
    plans.readDefinitions(config.array("definitions"));
    plans.readChanges(config.array("metrics"));
    plans.readObjectives(config.array("slo"));
    const maxSeries = <i32>config.object("cardinality").integer("maxSeries", 1000, 1, 100_000);
    const usesHost = !config.bool("disableHostHeaderFallback", false);
    if (config.bool("inFlight", false)) this.inFlight = new Gauge("http_requests_in_flight");
    if (config.has("accessLog")) this.accessLog = new AccessLog(config.object("accessLog"), parser, attributes);
    this.reportingNs = config.duration("tcpReportingDuration", 5 * SECOND);
    rejectUnsupported(config);

    const standard = new StandardValues(attributes, reporter, usesHost);
    standard.used = plans.usedLabels;
    this.standard = standard;
    this.plans = plans;
    this.measurements = measurements(plans.all, maxSeries, false);
    this.messageMeasurements = measurements(plans.all, maxSeries, true);

    const common = this.common;
    plans.addCommon(common);
    standard.addCommon(common, !this.countsMessages);
    common.compile();
    publishConfigStatus(config);
  }

  override createFilter(): HttpFilter {
    const inFlight = this.inFlight;
    if (inFlight !== null) inFlight.add(1);
    return new MeasuredStream(this);
  }

  /** Whether messages of gRPC are counted. */
  get countsMessages(): bool {
    return this.messageMeasurements.length > 0;
  }

  /** The protocol of the stream of this callback. Cost: one host call. */
  readProtocol(): Protocol {
    beginEvaluation();
    return this.standard!.readProtocol();
  }

  /** Reports the messages of the stream of this callback, if that was long ago. */
  messagesPassed(messages: GrpcMessages): void {
    if (this.reportingNs == 0 || messages.isReported) return;
    const nowNs = currentTimeNs();
    if (nowNs - messages.reportedNs < this.reportingNs) return;
    messages.reportedNs = nowNs;
    beginEvaluation();
    this.standard!.evaluate(Protocol.Grpc);
    this.recordMessages(messages);
  }

  /** Records the stream of this callback, which has ended. */
  record(stream: MeasuredStream): void {
    const inFlight = this.inFlight;
    if (inFlight !== null) inFlight.add(-1);
    beginEvaluation();
    this.common.read();
    const standard = this.standard!;
    standard.evaluate(stream.protocol);
    const messages = stream.messages;
    if (messages !== null) this.recordMessages(messages);
    const measurements = this.measurements;
    for (let index = 0; index < measurements.length; index++) unchecked(measurements[index]).record(standard);
    const accessLog = this.accessLog;
    if (accessLog !== null) accessLog.write();
  }

  private recordMessages(messages: GrpcMessages): void {
    const plans = this.plans!;
    plans.requestMessages.number = messages.requests.count - messages.reportedRequests;
    plans.responseMessages.number = messages.responses.count - messages.reportedResponses;
    messages.reportedRequests = messages.requests.count;
    messages.reportedResponses = messages.responses.count;
    const measurements = this.messageMeasurements;
    for (let index = 0; index < measurements.length; index++) unchecked(measurements[index]).record(this.standard!);
  }
}

/** What Istio's stats plugin has and this filter has not. */
function rejectUnsupported(config: ConfigReader): void {
  if (config.has("statPrefix")) config.get("statPrefix").error("is not supported: names begin with istio_");
  const encoding = "is not supported: labels are always written name=.=value;.;";
  if (config.has("fieldSeparator")) config.get("fieldSeparator").error(encoding);
  if (config.has("valueSeparator")) config.get("valueSeparator").error(encoding);
}
