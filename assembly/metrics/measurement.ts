import { LabelledCounter, LabelledGauge, LabelledHistogram, LabelledMetric, LabelSet } from "@attache/sdk";
import { Expression, ValueType } from "./expression/expression";
import { LabelPlan, MetricKind, MetricPlan } from "./metric-plan";
import { StandardValues } from "./standard-values";

/** One metric and what is recorded in it. */
class Measured {
  constructor(
    private readonly metric: LabelledMetric,
    private readonly plan: MetricPlan,
  ) {}

  record(labels: LabelSet): void {
    const plan = this.plan;
    const condition = plan.condition;
    const value = plan.value;
    if ((condition !== null && !condition.holds()) || !value.evaluate() || value.number < 0) return;
    // Durations are in milliseconds.
    const amount = value.type == ValueType.Duration ? <u64>value.number / 1_000_000 : <u64>value.number;
    this.metric.record(labels, amount);
  }
}

/** Metrics that have the same labels: their values are found once per request. */
export class Measurement {
  private readonly metrics: Measured[] = [];
  private readonly labels: LabelPlan[];
  private readonly set: LabelSet;

  constructor(private readonly first: MetricPlan) {
    this.labels = first.labels;
    this.set = new LabelSet(first.labels.length);
  }

  takes(plan: MetricPlan): bool {
    return this.first.hasLabelsOf(plan);
  }

  add(metric: LabelledMetric, plan: MetricPlan): void {
    this.metrics.push(new Measured(metric, plan));
  }

  record(standard: StandardValues): void {
    const labels = this.labels;
    const set = this.set.begin();
    for (let index = 0; index < labels.length; index++) {
      const label = unchecked(labels[index]);
      const expression = label.expression;
      if (expression !== null) addValue(set, expression);
      else set.at(standard.startOf(label.standard), standard.lengthOf(label.standard));
    }
    const metrics = this.metrics;
    for (let index = 0; index < metrics.length; index++) unchecked(metrics[index]).record(set);
  }
}

/** The metrics of these plans that count messages of gRPC, or the others; those with the same labels together. */
export function measurements(plans: MetricPlan[], maxSeries: i32, ofMessages: bool): Measurement[] {
  const result: Measurement[] = [];
  const metrics: LabelledMetric[] = [];
  for (let index = 0; index < plans.length; index++) {
    const plan = plans[index];
    if (plan.isDropped || plan.isOfMessages != ofMessages) continue;
    let metric = findMetric(metrics, plan.publicName);
    if (metric === null) {
      metric = newMetric(plan, maxSeries);
      metrics.push(metric);
    }
    let measurement = findMeasurement(result, plan);
    if (measurement === null) {
      measurement = new Measurement(plan);
      result.push(measurement);
    }
    measurement.add(metric, plan);
  }
  return result;
}

function findMetric(metrics: LabelledMetric[], name: string): LabelledMetric | null {
  for (let index = 0; index < metrics.length; index++) if (metrics[index].name == name) return metrics[index];
  return null;
}

function findMeasurement(all: Measurement[], plan: MetricPlan): Measurement | null {
  for (let index = 0; index < all.length; index++) if (all[index].takes(plan)) return all[index];
  return null;
}

function newMetric(plan: MetricPlan, maxSeries: i32): LabelledMetric {
  const labels = new Array<string>();
  for (let index = 0; index < plan.labels.length; index++) labels.push(plan.labels[index].name);
  if (plan.kind == MetricKind.Counter) return new LabelledCounter(plan.publicName, labels, maxSeries);
  if (plan.kind == MetricKind.Gauge) return new LabelledGauge(plan.publicName, labels, maxSeries);
  return new LabelledHistogram(plan.publicName, labels, maxSeries);
}

function addValue(set: LabelSet, expression: Expression): void {
  if (expression.evaluate() && expression.length > 0) set.at(expression.start, expression.length);
  else set.text("unknown");
}
