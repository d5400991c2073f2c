import { ConfigReader } from "@attache/sdk";
import { Attribute, Attributes } from "./expression/attribute";
import { CommonAttributes } from "./expression/common-attributes";

/** Whose view of a request the metrics are. */
export const enum Side {
  Source,
  Destination,
  Waypoint,
}

/** Tells for each request which side reports it: by the configuration, or by the direction of the listener. */
export class Reporter {
  private readonly configured: i32;
  private readonly direction: Attribute;

  constructor(config: ConfigReader, attributes: Attributes) {
    this.configured = config.oneOf("reporter", ["UNSPECIFIED", "SERVER_GATEWAY", "SOURCE", "DESTINATION"], 0);
    this.direction = attributes.integer("xds\0listener_direction");
  }

  /** Tells what is asked of every stream. In Istio, the listeners of both directions share one plugin. */
  addCommon(common: CommonAttributes): void {
    if (this.configured == 0) common.add(this.direction);
  }

  get side(): Side {
    if (this.configured == 1) return Side.Waypoint;
    if (this.configured == 2) return Side.Source;
    if (this.configured == 3) return Side.Destination;
    // 1 is inbound. A listener without a direction is a gateway's.
    return this.direction.numberOr(0) == 1 ? Side.Destination : Side.Source;
  }
}
