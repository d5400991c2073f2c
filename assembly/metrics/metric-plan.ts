import { Expression } from "./expression/expression";

export const enum MetricKind {
  Counter,
  Gauge,
  Histogram,
}

/** Where a label's value comes from. */
export class LabelPlan {
  constructor(
    readonly name: string,
    /** A `StandardLabel`, or -1 */
    readonly standard: i32,
    /** Of a label that is not standard. */
    readonly expression: Expression | null,
  ) {}

  equals(other: LabelPlan): bool {
    return this.name == other.name && this.standard == other.standard && this.expression === other.expression;
  }
}

/** A metric as the configuration describes it. */
export class MetricPlan {
  labels: LabelPlan[] = [];
  isDropped: bool = false;
  /** Whether it counts messages of gRPC. */
  isOfMessages: bool = false;

  constructor(
    /** As the configuration calls it. */
    readonly name: string,
    /** As the proxy shows it. */
    readonly publicName: string,
    readonly kind: MetricKind,
    readonly value: Expression,
    /** What must hold for a value to be recorded; `null`: nothing. */
    readonly condition: Expression | null = null,
  ) {}

  remove(label: string): void {
    const kept: LabelPlan[] = [];
    for (let index = 0; index < this.labels.length; index++) {
      if (this.labels[index].name != label) kept.push(this.labels[index]);
    }
    this.labels = kept;
  }

  /** Replaces the label of that name, or adds it: before those whose name ends with its own, which would hide it. */
  put(label: LabelPlan): void {
    const labels: LabelPlan[] = [];
    let isPut = false;
    const replaces = this.has(label.name);
    for (let index = 0; index < this.labels.length; index++) {
      const other = this.labels[index];
      const isPlace = replaces ? other.name == label.name : !isPut && other.name.endsWith(label.name);
      if (isPlace) labels.push(label);
      isPut = isPut || isPlace;
      if (!replaces || !isPlace) labels.push(other);
    }
    if (!isPut) labels.push(label);
    this.labels = labels;
  }

  hasLabelsOf(other: MetricPlan): bool {
    if (this.labels.length != other.labels.length) return false;
    for (let index = 0; index < this.labels.length; index++) {
      if (!this.labels[index].equals(other.labels[index])) return false;
    }
    return true;
  }

  private has(name: string): bool {
    for (let index = 0; index < this.labels.length; index++) if (this.labels[index].name == name) return true;
    return false;
  }
}
