import { ByteView, ConfigReader, RequestHeaders, Text } from "@attache/sdk";
import { HashKey } from "./hash-key";
import { KeyEntry, OnMissing } from "./key-entry";
import { LimitSurroundings } from "./limit-surroundings";
import { readKeyEntry } from "./read-key-entry";
import { sipHash } from "./sip-hash";

/** What tells the users of a limit apart, and what the last request has of it. */
@final
export class LimitKey {
  readonly entries: KeyEntry[] = [];
  /** Addresses of the views of the entries' values; 0: absent. Valid until the callback returns. */
  readonly values: StaticArray<usize>;
  /** Of the values; 0 stands for no key at all. */
  hash: u64 = 0;
  private readonly hashKey: HashKey;

  constructor(config: ConfigReader, surroundings: LimitSurroundings) {
    this.hashKey = surroundings.hashKey;
    this.values = new StaticArray<usize>(config.length);
    for (let index = 0; index < config.length; index++) {
      this.entries.push(readKeyEntry(config.at(index).asObject(), surroundings.client));
    }
  }

  /** What states depend on, as text. */
  get definition(): string {
    let text = "";
    for (let index = 0; index < this.entries.length; index++) text += "\0" + this.entries[index].definition;
    return text;
  }

  /** Reads values and hash. The answer is `SkipLimit` or `Reject` if an entry is missing that asks for it. */
  read(headers: RequestHeaders): OnMissing {
    const entries = this.entries;
    for (let index = 0; index < entries.length; index++) {
      const entry = unchecked(entries[index]);
      const onMissing = entry.onMissing;
      let value = entry.find(headers);
      if (value === null) {
        if (onMissing == OnMissing.SkipLimit || onMissing == OnMissing.Reject) return onMissing;
        if (onMissing == OnMissing.UseEmpty) value = ByteView.of(0, 0);
      }
      unchecked((this.values[index] = changetype<usize>(value)));
    }
    this.hash = this.hashUnder(this.hashKey.low, this.hashKey.high);
    return OnMissing.SkipEntry;
  }

  /** A number that the values have on all proxies. */
  get sample(): u64 {
    return this.hashUnder(0, 0);
  }

  /** Counts together with all keys that differ only in the entries that an override names. */
  share(number: i32, entries: i32[]): void {
    for (let index = 0; index < entries.length; index++) this.values[entries[index]] = 0;
    this.hash = this.hashUnder(this.hashKey.low ^ number, this.hashKey.high);
  }

  private hashUnder(low: u64, high: u64): u64 {
    const values = this.values;
    let hash: u64 = 0;
    for (let index = 0; index < values.length; index++) {
      const value = changetype<ByteView | null>(unchecked(values[index]));
      // Each hash is part of the next one's key, so where one value ends and the next begins makes a difference.
      hash = value !== null ? sipHash(value.start, value.length, low ^ hash, high) : ~hash;
    }
    return max<u64>(hash, 1);
  }

  /** What clients may know of a key with this hash. */
  disclose(hash: u64): string {
    return this.hashKey.disclose(hash);
  }

  /** The value of an entry, or `null`. */
  valueAt(index: i32): ByteView | null {
    return changetype<ByteView | null>(this.values[index]);
  }

  /** Copies of the values, for {@link restore} in another callback. */
  save(): StaticArray<Text | null> {
    const copies = new StaticArray<Text | null>(this.values.length);
    for (let index = 0; index < copies.length; index++) {
      const value = this.valueAt(index);
      if (value !== null) copies[index] = Text.ofBytes(value);
    }
    return copies;
  }

  /** Has the values again that a request had. */
  restore(copies: StaticArray<Text | null>): void {
    for (let index = 0; index < copies.length; index++) {
      const copy = copies[index];
      this.values[index] = copy === null ? 0 : changetype<usize>(copy.view);
    }
  }
}
