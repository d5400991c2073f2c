import { MetricType, Status } from "../abi/status.ts";

interface Metric {
  type: number;
  value: bigint;
  /** Of histograms. */
  samples: bigint[];
}

/** Statistics of the whole proxy, by the names filters gave them. */
export class Metrics {
  readonly #metrics = new Map<string, Metric>();

  define(type: number, name: string): Metric {
    const key = `${type}:${name}`;
    let metric = this.#metrics.get(key);
    if (metric === undefined) this.#metrics.set(key, (metric = { type, value: 0n, samples: [] }));
    return metric;
  }

  /** Of a counter or gauge. */
  value(name: string): number | null {
    const metric =
      this.#metrics.get(`${MetricType.Counter}:${name}`) ?? this.#metrics.get(`${MetricType.Gauge}:${name}`);
    return metric === undefined ? null : Number(metric.value);
  }

  samples(name: string): readonly bigint[] {
    return this.#metrics.get(`${MetricType.Histogram}:${name}`)?.samples ?? [];
  }
}

/** Ids that one VM has for metrics; the low two bits say the type. Defining a metric again gives a new id. */
export class MetricIds {
  readonly #metrics: Metrics;
  readonly #byId = new Map<number, Metric>();
  readonly #next = [4, 5, 6];

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  define(type: number, name: string): number {
    const id = this.#next[type]!;
    this.#next[type] = id + 4;
    this.#byId.set(id, this.#metrics.define(type, name));
    return id;
  }

  increment(id: number, delta: bigint): Status {
    const type = id & 3;
    if (type !== MetricType.Counter && type !== MetricType.Gauge) return Status.BadArgument;
    const metric = this.#byId.get(id);
    if (metric === undefined) return Status.NotFound;
    if (type === MetricType.Counter && delta <= 0n) return Status.BadArgument;
    metric.value = BigInt.asUintN(64, metric.value + delta);
    return Status.Ok;
  }

  record(id: number, value: bigint): Status {
    const metric = this.#byId.get(id);
    if (metric === undefined) return Status.NotFound;
    const unsigned = BigInt.asUintN(64, value);
    if (metric.type === MetricType.Counter) metric.value = BigInt.asUintN(64, metric.value + unsigned);
    else if (metric.type === MetricType.Gauge) metric.value = unsigned;
    else if (metric.samples.length < samplesLimit) metric.samples.push(unsigned);
    return Status.Ok;
  }

  /** A number is a status: there is no value. */
  get(id: number): bigint | Status {
    const type = id & 3;
    if (type !== MetricType.Counter && type !== MetricType.Gauge) return Status.BadArgument;
    return this.#byId.get(id)?.value ?? Status.NotFound;
  }
}

const samplesLimit = 100_000;
