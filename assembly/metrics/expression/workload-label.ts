import { Reporter, Side } from "../reporter";
import { Attribute, Attributes } from "./attribute";
import { Expression, ValueType } from "./expression";

/**
 * `source.labels["app"]` and `destination.labels["app"]`: a Kubernetes label of that workload. The proxy's own is part of its
 * node; the other's is what Istio's metadata exchange has told.
 */
export class WorkloadLabel extends Expression {
  private readonly own: Attribute;
  private readonly peer: Attribute;

  constructor(
    attributes: Attributes,
    private readonly reporter: Reporter,
    private readonly isSource: bool,
    label: string,
  ) {
    super(ValueType.Text);
    this.own = attributes.text("xds\0node\0metadata\0LABELS\0" + label);
    const peer = isSource ? "downstream_peer" : "upstream_peer";
    this.peer = attributes.text("filter_state\0" + peer + "\0labels\0" + label);
  }

  override evaluate(): bool {
    const side = this.reporter.side;
    const isOwn = this.isSource ? side == Side.Source : side == Side.Destination;
    const attribute = isOwn ? this.own : this.peer;
    return attribute.evaluate() && this.giveThat(attribute);
  }
}
