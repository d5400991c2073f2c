import { proxy_define_metric, proxy_increment_metric, proxy_record_metric } from "../abi/imports";
import { MetricType, Status } from "../abi/enums";
import { beginBytes, writeByte, writeText, writtenBytes, writtenSize } from "../memory/byte-writer";
import { LabelSet } from "./label-set";
import { Counter } from "./metric";

const FIRST_CAPACITY: i32 = 16;

/**
 * A metric with labels. The proxy knows names only, so each set of values is a statistic of its own, named
 * `method=.=GET;.;status=.=200;.;requests_total`: the encoding of Istio. The proxy's `stats_tags` turn it into labels, one
 * regular expression for each: `(method=\.=(.*?);\.;)`.
 *
 * The proxy never forgets a statistic. Therefore at most `maxSeries` sets of values are told apart, by each VM of the proxy;
 * what comes after is recorded with the value `_overflow` for all labels, and counted in `<name>_dropped_series_total`.
 */
export abstract class LabelledMetric {
  /** Per series: hash and end of its key, and what the proxy calls it. */
  private hashes: StaticArray<u64> = new StaticArray<u64>(FIRST_CAPACITY);
  private ends: StaticArray<i32> = new StaticArray<i32>(FIRST_CAPACITY);
  private ids: StaticArray<u32> = new StaticArray<u32>(FIRST_CAPACITY);
  /** All keys, one after the other. */
  private keys: StaticArray<u8> = new StaticArray<u8>(FIRST_CAPACITY << 6);
  /** A hash table with linear probing, at most half full: number of the series, from 1. */
  private slots: StaticArray<i32> = new StaticArray<i32>(FIRST_CAPACITY << 1);
  private count: i32 = 0;
  private overflowId: u32 = 0;
  private readonly dropped: Counter;

  /** @param labels names, such as `method`. One that ends another (`version`, `source_version`) must come before it */
  constructor(
    private readonly type: MetricType,
    readonly name: string,
    private readonly labels: string[],
    private readonly maxSeries: i32 = 1000,
  ) {
    this.dropped = new Counter(name + "_dropped_series_total");
  }

  /** Number of sets of values seen so far, at most `maxSeries`. */
  get seriesCount(): i32 {
    return this.count;
  }

  /**
   * Adds `value` to a counter or a histogram, sets a gauge. Allowed in: every callback. Cost: one host call (about 60 ns)
   * and a look-up; one more call and some memory for values that are new.
   *
   * @returns `false` when the proxy refuses
   */
  record(labels: LabelSet, value: u64): bool {
    return proxy_record_metric(this.idOf(labels), value) == Status.Ok;
  }

  /** What the proxy calls the series of these values; 0 when it refuses. */
  protected idOf(labels: LabelSet): u32 {
    const hash = labels.hash;
    const mask = this.slots.length - 1;
    let slot = (<i32>hash) & mask;
    for (let series = this.slots[slot]; series != 0; series = this.slots[slot]) {
      if (this.isSeries(series - 1, hash, labels)) return this.ids[series - 1];
      slot = (slot + 1) & mask;
    }
    if (this.count >= this.maxSeries) return this.overflow();
    return this.addSeries(hash, labels);
  }

  private isSeries(series: i32, hash: u64, labels: LabelSet): bool {
    if (this.hashes[series] != hash) return false;
    const start = series > 0 ? this.ends[series - 1] : 0;
    const size = this.ends[series] - start;
    if (size != labels.keySize) return false;
    return memory.compare(changetype<usize>(this.keys) + start, labels.keyStart, size) == 0;
  }

  private addSeries(hash: u64, labels: LabelSet): u32 {
    if (labels.length != this.labels.length) throw new Error("LabelledMetric: the set has another number of labels");
    if (this.count == this.ids.length) this.grow();
    const series = this.count++;
    const start = series > 0 ? this.ends[series - 1] : 0;
    const end = start + labels.keySize;
    if (end > this.keys.length) this.keys = grown<u8>(this.keys, max(end, this.keys.length << 1));
    memory.copy(changetype<usize>(this.keys) + start, labels.keyStart, labels.keySize);
    this.hashes[series] = hash;
    this.ends[series] = end;
    this.take(series);
    const id = this.define(labels.keyStart);
    this.ids[series] = id;
    return id;
  }

  private overflow(): u32 {
    this.dropped.increment();
    if (this.overflowId == 0) this.overflowId = this.define(0);
    return this.overflowId;
  }

  /** @param key values, each followed by NUL; 0: that of the overflow for all */
  private define(key: usize): u32 {
    beginBytes(512);
    for (let index = 0; index < this.labels.length; index++) {
      writeText(this.labels[index]);
      writeText("=.=");
      if (key == 0) writeText("_overflow");
      else for (; load<u8>(key) != 0; key++) writeByte(load<u8>(key));
      if (key != 0) key++;
      writeText(";.;");
    }
    writeText(this.name);
    const out = memory.data(4, 4);
    if (proxy_define_metric(this.type, writtenBytes(), writtenSize(), out) != Status.Ok) return 0;
    return load<u32>(out);
  }

  private grow(): void {
    const capacity = this.ids.length << 1;
    this.hashes = grown<u64>(this.hashes, capacity);
    this.ends = grown<i32>(this.ends, capacity);
    this.ids = grown<u32>(this.ids, capacity);
    this.slots = new StaticArray<i32>(capacity << 1);
    for (let series = 0; series < this.count; series++) this.take(series);
  }

  /** Takes a slot for the series. */
  private take(series: i32): void {
    const mask = this.slots.length - 1;
    let slot = (<i32>this.hashes[series]) & mask;
    while (this.slots[slot] != 0) slot = (slot + 1) & mask;
    this.slots[slot] = series + 1;
  }
}

/** A {@link LabelledMetric} that only grows. */
@final
export class LabelledCounter extends LabelledMetric {
  constructor(name: string, labels: string[], maxSeries: i32 = 1000) {
    super(MetricType.Counter, name, labels, maxSeries);
  }

  /** Adds `by`. As {@link LabelledMetric.record}. */
  increment(labels: LabelSet, by: u32 = 1): bool {
    // The proxy takes no increment of zero.
    return by == 0 || proxy_increment_metric(this.idOf(labels), by) == Status.Ok;
  }
}

/** A {@link LabelledMetric} that goes up and down; see `Gauge`. */
@final
export class LabelledGauge extends LabelledMetric {
  constructor(name: string, labels: string[], maxSeries: i32 = 1000) {
    super(MetricType.Gauge, name, labels, maxSeries);
  }

  /** Adds `delta`, which can be negative. As {@link LabelledMetric.record}. */
  add(labels: LabelSet, delta: i32): bool {
    return proxy_increment_metric(this.idOf(labels), delta) == Status.Ok;
  }
}

/** A {@link LabelledMetric} that is a distribution. */
@final
export class LabelledHistogram extends LabelledMetric {
  constructor(name: string, labels: string[], maxSeries: i32 = 1000) {
    super(MetricType.Histogram, name, labels, maxSeries);
  }
}

function grown<T>(array: StaticArray<T>, length: i32): StaticArray<T> {
  const larger = new StaticArray<T>(length);
  memory.copy(changetype<usize>(larger), changetype<usize>(array), <usize>array.length * sizeof<T>());
  return larger;
}
