import { ByteView, ConfigReader, RequestHeaders } from "@attache/sdk";
import { ClientAddress } from "./client-address";
import { HashKey } from "./hash-key";
import { KeyEntry, OnMissing } from "./key-entry";
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

  constructor(
    config: ConfigReader,
    client: ClientAddress,
    private readonly hashKey: HashKey,
  ) {
    this.values = new StaticArray<usize>(config.length);
    for (let index = 0; index < config.length; index++) {
      this.entries.push(readKeyEntry(config.at(index).asObject(), client));
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
    let hash: u64 = 0;
    for (let index = 0; index < entries.length; index++) {
      const entry = unchecked(entries[index]);
      const onMissing = entry.onMissing;
      let value = entry.find(headers);
      if (value === null) {
        if (onMissing == OnMissing.SkipLimit || onMissing == OnMissing.Reject) return onMissing;
        if (onMissing == OnMissing.UseEmpty) value = ByteView.of(0, 0);
      }
      unchecked((this.values[index] = changetype<usize>(value)));
      // Each hash is part of the next one's key, so where one value ends and the next begins makes a difference.
      hash = value !== null ? sipHash(value.start, value.length, this.hashKey.low ^ hash, this.hashKey.high) : ~hash;
    }
    this.hash = max<u64>(hash, 1);
    return OnMissing.SkipEntry;
  }

  /** The value of an entry, or `null`. */
  valueAt(index: i32): ByteView | null {
    return changetype<ByteView | null>(this.values[index]);
  }
}
