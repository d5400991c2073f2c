import { ConfigReader, Gauge, HttpFilter, Plugin } from "@attache/sdk";
import { Attributes, beginEvaluation } from "./expression/attribute";
import { ExpressionParser } from "./expression/parser";
import { Measurement, measurements } from "./measurement";
import { MetricPlans } from "./metric-plans";
import { PathTemplates } from "./path-templates";
import { Reporter } from "./reporter";
import { StandardValues } from "./standard-values";

/**
 * Counts and measures requests when they have ended: Istio's standard metrics, and others by expressions over attributes.
 * Configuration: README.md.
 */
export class Metrics extends Plugin {
  private measurements: Measurement[] = [];
  private standard: StandardValues | null = null;
  private inFlight: Gauge | null = null;
  private stream: HttpFilter | null = null;

  override configure(config: ConfigReader): void {
    const attributes = new Attributes();
    const reporter = new Reporter(config, attributes);
    const templates = new PathTemplates(config.array("pathTemplates"));
    const parser = new ExpressionParser(attributes, templates, reporter);
    const plans = new MetricPlans(parser, attributes);
    plans.readDefinitions(config.array("definitions"));
    plans.readChanges(config.array("metrics"));
    plans.readObjectives(config.array("slo"));
    const maxSeries = config.object("cardinality").integer("maxSeries", 1000, 1, 100_000);
    const usesHost = !config.bool("disableHostHeaderFallback", false);
    if (config.bool("inFlight", false)) this.inFlight = new Gauge("http_requests_in_flight");
    rejectUnsupported(config);

    const standard = new StandardValues(attributes, reporter, usesHost);
    standard.used = plans.usedLabels;
    this.standard = standard;
    this.measurements = measurements(plans.all, <i32>maxSeries);
    this.stream = new MeasuredStream(this);
  }

  override createFilter(): HttpFilter {
    const inFlight = this.inFlight;
    if (inFlight !== null) inFlight.add(1);
    return this.stream!;
  }

  /** Records the stream of this callback, which has ended. */
  record(): void {
    const inFlight = this.inFlight;
    if (inFlight !== null) inFlight.add(-1);
    beginEvaluation();
    const standard = this.standard!;
    standard.evaluate();
    const measurements = this.measurements;
    for (let index = 0; index < measurements.length; index++) unchecked(measurements[index]).record(standard);
  }
}

/** One for all streams: all it needs to know is there when a stream has ended. */
class MeasuredStream extends HttpFilter {
  constructor(private readonly plugin: Metrics) {
    super();
  }

  override onLog(): void {
    this.plugin.record();
  }
}

/** What Istio's stats plugin has and this filter has not. */
function rejectUnsupported(config: ConfigReader): void {
  if (config.has("tcpReportingDuration")) {
    config.get("tcpReportingDuration").error("is not supported: this filter reports HTTP, at the end of each request");
  }
  if (config.has("statPrefix")) config.get("statPrefix").error("is not supported: names begin with istio_");
  const encoding = "is not supported: labels are always written name=.=value;.;";
  if (config.has("fieldSeparator")) config.get("fieldSeparator").error(encoding);
  if (config.has("valueSeparator")) config.get("valueSeparator").error(encoding);
}
