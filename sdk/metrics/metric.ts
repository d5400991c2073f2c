import { proxy_define_metric, proxy_get_metric, proxy_increment_metric, proxy_record_metric } from "../abi/imports";
import { MetricType, Status } from "../abi/enums";
import { encodeText, textSize } from "../memory/utf8";

/**
 * A metric of the proxy, under `wasmcustom.` and its name. All workers, and all filters that use the same name and kind,
 * share one value.
 *
 * It is defined when it is first used, so it can be made at the top level of a module; using it there is not allowed.
 * Metrics outlive the plugin: an update of the configuration does not reset them.
 */
export abstract class Metric {
  /** What the proxy calls the metric; 0 before its first use. Envoy's own numbers begin at 4. */
  private id: u32 = 0;

  constructor(
    private readonly type: MetricType,
    readonly name: string,
  ) {}

  /** The proxy's id of this metric, which is defined now if it was not yet; 0 when the proxy refuses. */
  protected get defined(): u32 {
    return this.id != 0 ? this.id : this.define();
  }

  private define(): u32 {
    const out = memory.data(4, 4);
    const name = encodeText(this.name);
    if (proxy_define_metric(this.type, name, textSize(name), out) == Status.Ok) this.id = load<u32>(out);
    return this.id;
  }
}

/**
 * A number that only grows, such as requests seen.
 *
 * ```ts
 * const denied = new Counter("denied_total");
 * // in a callback:
 * denied.increment();
 * ```
 */
export class Counter extends Metric {
  constructor(name: string) {
    super(MetricType.Counter, name);
  }

  /**
   * Adds `by`. Allowed in: every callback. Cost: one host call (about 60 ns), one more the first time.
   *
   * @returns `false` when the proxy refuses
   */
  increment(by: u32 = 1): bool {
    // The proxy takes no increment of zero.
    return by == 0 || proxy_increment_metric(this.defined, by) == Status.Ok;
  }

  /** What all workers have counted; 0 when the proxy does not tell. Allowed in: every callback. */
  get value(): u64 {
    return readMetric(this.defined);
  }
}

/** A number that goes up and down, such as requests in flight. */
export class Gauge extends Metric {
  constructor(name: string) {
    super(MetricType.Gauge, name);
  }

  /**
   * Adds `delta`, which can be negative. Do not go below zero: Envoy's gauges are unsigned and wrap.
   *
   * Allowed in: every callback. Cost: one host call, one more the first time.
   *
   * @returns `false` when the proxy refuses
   */
  add(delta: i32): bool {
    return proxy_increment_metric(this.defined, delta) == Status.Ok;
  }

  /** Sets the value. As {@link add}. */
  set(value: u64): bool {
    return proxy_record_metric(this.defined, value) == Status.Ok;
  }

  /** The value that all workers share; 0 when the proxy does not tell. Allowed in: every callback. */
  get value(): u64 {
    return readMetric(this.defined);
  }
}

/** A distribution, such as sizes of bodies in bytes. The proxy cannot be asked for it; its statistics show it. */
export class Histogram extends Metric {
  constructor(name: string) {
    super(MetricType.Histogram, name);
  }

  /**
   * Adds one value. Allowed in: every callback. Cost: one host call, one more the first time.
   *
   * @returns `false` when the proxy refuses
   */
  record(value: u64): bool {
    return proxy_record_metric(this.defined, value) == Status.Ok;
  }
}

function readMetric(id: u32): u64 {
  const out = memory.data(8, 8);
  return proxy_get_metric(id, out) == Status.Ok ? load<u64>(out) : 0;
}
