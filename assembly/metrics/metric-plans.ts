import { ConfigReader, JsonKind } from "@attache/sdk";
import { Attribute, Attributes } from "./expression/attribute";
import { CommonAttributes } from "./expression/common-attributes";
import { Expression, ValueType } from "./expression/expression";
import { NumberLiteral, TextLiteral } from "./expression/operators";
import { ExpressionParser } from "./expression/parser";
import { LabelPlan, MetricKind, MetricPlan } from "./metric-plan";
import { StandardLabel, standardLabelNames } from "./standard-labels";

/** Metrics that Istio has and this filter does not report. */
const NOT_REPORTED =
  " tcp_connections_opened_total tcp_connections_closed_total tcp_sent_bytes_total tcp_received_bytes_total ";

/** Reads what is to be measured: Istio's standard metrics, and what `definitions`, `metrics` and `slo` make of them. */
export class MetricPlans {
  readonly all: MetricPlan[] = [];
  /** Numbers of messages to be recorded. */
  readonly requestMessages: Expression = new NumberLiteral(ValueType.Integer, 0);
  readonly responseMessages: Expression = new NumberLiteral(ValueType.Integer, 0);
  private readonly standardLabels: string[] = standardLabelNames();
  private readonly one: Expression = new NumberLiteral(ValueType.Integer, 1);

  constructor(
    private readonly parser: ExpressionParser,
    attributes: Attributes,
  ) {
    this.addStandard("requests_total", MetricKind.Counter, this.one);
    const duration = attributes.get("request\0duration", ValueType.Duration);
    this.addStandard("request_duration_milliseconds", MetricKind.Histogram, duration);
    this.addStandard("request_bytes", MetricKind.Histogram, attributes.integer("request\0total_size"));
    this.addStandard("response_bytes", MetricKind.Histogram, attributes.integer("response\0total_size"));
    this.addMessages("request_messages_total", this.requestMessages);
    this.addMessages("response_messages_total", this.responseMessages);
  }

  /** Bits of the standard labels in use. */
  get usedLabels(): u32 {
    let used: u32 = 0;
    for (let index = 0; index < this.all.length; index++) {
      const labels = this.all[index].labels;
      for (let label = 0; label < labels.length; label++) {
        if (!this.all[index].isDropped && labels[label].standard >= 0) used |= 1 << labels[label].standard;
      }
    }
    return used;
  }

  /** Tells which attributes are recorded for every stream. */
  addCommon(common: CommonAttributes): void {
    for (let index = 0; index < this.all.length; index++) {
      const plan = this.all[index];
      const value = plan.value;
      // Truths are as short as what is absent; text is refused where a number is expected.
      const isNumber = value.type == ValueType.Integer || value.type == ValueType.Duration;
      if (!plan.isDropped && plan.condition === null && isNumber && value instanceof Attribute)
        common.add(<Attribute>value);
    }
  }

  readDefinitions(definitions: ConfigReader): void {
    for (let index = 0; index < definitions.length; index++) {
      const config = definitions.at(index).asObject();
      const name = config.required("name").asString();
      const kind = <MetricKind>config.oneOf("type", ["COUNTER", "GAUGE", "HISTOGRAM"], MetricKind.Counter);
      const value = this.parser.read(config.required("value"));
      if (!isMetricName(name)) {
        config.get("name").error("is not a metric name: letters, digits and _ only, no digit first");
      } else if (this.find(name) !== null) {
        config.get("name").error("there is a metric of this name already: it cannot be defined again");
        continue;
      }
      if (value === null) continue;
      if (value.type == ValueType.Text) config.get("value").error("expected a number, truth or duration, found text");
      this.all.push(new MetricPlan(name, "istio_" + name, kind, value));
    }
  }

  readChanges(changes: ConfigReader): void {
    for (let index = 0; index < changes.length; index++) this.readChange(changes.at(index).asObject());
  }

  readObjectives(objectives: ConfigReader): void {
    const names: string[] = [];
    for (let index = 0; index < objectives.length; index++) {
      const config = objectives.at(index).asObject();
      const name = config.required("name").asString();
      if (config.get("name").kind == JsonKind.String && name.length == 0) config.get("name").error("must not be empty");
      if (names.includes(name)) config.get("name").error("there is an objective of this name already");
      names.push(name);
      const good = this.parser.readCondition(config.required("good"));
      const match = config.has("match") ? this.parser.readCondition(config.get("match")) : null;
      const label = new LabelPlan("slo", -1, new TextLiteral(name));
      const total = new MetricPlan("", "slo_requests_total", MetricKind.Counter, this.one, match);
      total.put(label);
      this.all.push(total);
      if (good === null) continue;
      const fulfilled = new MetricPlan("", "slo_good_total", MetricKind.Counter, good, match);
      fulfilled.put(label);
      this.all.push(fulfilled);
    }
  }

  private addStandard(
    name: string,
    kind: MetricKind,
    value: Expression,
    labels: i32 = StandardLabel.Count,
  ): MetricPlan {
    const plan = new MetricPlan(name, "istio_" + name, kind, value);
    for (let label = 0; label < labels; label++) {
      plan.labels.push(new LabelPlan(this.standardLabels[label], label, null));
    }
    this.all.push(plan);
    return plan;
  }

  /** Messages are counted before the response has ended: as in Istio, they have no labels that tell of it. */
  private addMessages(name: string, value: Expression): void {
    this.addStandard(name, MetricKind.Counter, value, StandardLabel.RequestProtocol).isOfMessages = true;
  }

  private readChange(config: ConfigReader): void {
    const name = config.string("name", "");
    if (name.length > 0 && this.find(name) === null) {
      const isKnown = NOT_REPORTED.includes(" " + name + " ");
      if (isKnown) config.get("name").error("this filter does not report metrics of TCP");
      else config.get("name").error("there is no such metric: the names are " + this.names);
    }
    const isDropped = config.bool("drop", false);
    const removed = this.readRemoved(config.array("tagsToRemove"));
    const labels = this.readDimensions(config.object("dimensions"));
    if (config.has("match")) config.get("match").error("is not supported: a change applies to every request");
    for (let index = 0; index < this.all.length; index++) {
      const plan = this.all[index];
      if (name.length > 0 && plan.name != name) continue;
      if (isDropped) plan.isDropped = true;
      for (let label = 0; label < removed.length; label++) plan.remove(removed[label]);
      for (let label = 0; label < labels.length; label++) plan.put(labels[label]);
    }
  }

  private readRemoved(config: ConfigReader): string[] {
    const removed: string[] = [];
    for (let index = 0; index < config.length; index++) {
      const label = config.at(index).asString();
      if (!this.standardLabels.includes(label)) config.at(index).error("is not one of Istio's standard labels");
      removed.push(label);
    }
    return removed;
  }

  /** Sorted by name, as Istio adds them. */
  private readDimensions(config: ConfigReader): LabelPlan[] {
    const labels: LabelPlan[] = [];
    for (let index = 0; index < config.length; index++) {
      const value = config.at(index);
      const name = value.key;
      if (!isMetricName(name)) value.error("is not a label name: letters, digits and _ only, no digit first");
      const expression = this.parser.read(value);
      if (expression === null) continue;
      const label = new LabelPlan(name, -1, this.parser.asText(expression));
      let at = labels.push(label) - 1;
      for (; at > 0 && labels[at - 1].name > name; at--) labels[at] = labels[at - 1];
      labels[at] = label;
    }
    return labels;
  }

  private find(name: string): MetricPlan | null {
    for (let index = 0; index < this.all.length; index++) if (this.all[index].name == name) return this.all[index];
    return null;
  }

  private get names(): string {
    let names = "";
    for (let index = 0; index < this.all.length; index++) names += (index > 0 ? ", " : "") + this.all[index].name;
    return names;
  }
}

function isMetricName(name: string): bool {
  for (let index = 0; index < name.length; index++) {
    const unit = name.charCodeAt(index);
    const isLetter = <u32>((unit | 0x20) - 0x61) < 26 || unit == 0x5f;
    const isDigit = <u32>(unit - 0x30) < 10;
    if (!isLetter && !(isDigit && index > 0)) return false;
  }
  return name.length > 0;
}
