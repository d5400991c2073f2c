import { Status } from "../abi/enums";
import { proxy_get_shared_data, proxy_set_shared_data } from "../abi/imports";
import { ByteView } from "../memory/byte-view";
import { decodeText, encodeText, textSize } from "../memory/utf8";
import { sharedName } from "./shared-name";

/** What became of a write to shared data. */
export const enum SharedResult {
  /** It is written. */
  Done = 0,
  /** Not written: another worker wrote meanwhile, or there is a value where none was expected. */
  Contended = 1,
  /** Not written: the proxy refuses, nothing was read before, or the value there is of another kind. */
  Refused = 2,
}

/**
 * One key of the proxy's shared data, which all workers of a proxy read and write.
 *
 * The proxy has one key space for all filters with the same `vm_id` (Istio never sets one), and it outlives an update of
 * the configuration. So a key is the plugin's own: its name and root id stand before it. Make it once, as a field of the
 * plugin: plugins of the same module can share a VM, so at the top level of the module it traps unless its key is raw.
 *
 * Envoy has no way to delete a key, and values do not expire: use keys from a bounded set, never one per user or request.
 */
export abstract class SharedKey {
  // A subclass cannot have fields of the same names, private or not.
  private sharedKeyBytes: StaticArray<u8>;
  /** Version the last read found; `ABSENT` when the key was not there, 0 when nothing is known. */
  protected sharedVersion: u32 = 0;

  /**
   * @param key the key, or what comes after the plugin's name and root id
   * @param raw whether `key` is the whole key, to share it with other filters
   */
  constructor(
    readonly key: string,
    raw: bool = false,
  ) {
    this.sharedKeyBytes = sharedName(key, raw);
  }

  /** The bytes, or `null` when there are none or the proxy refuses. */
  protected readShared(): ByteView | null {
    const key = this.sharedKeyBytes;
    const out = memory.data(12, 4);
    const status = proxy_get_shared_data(changetype<usize>(key), key.length, out, out + 4, out + 8);
    this.sharedVersion = status == Status.Ok ? load<u32>(out, 8) : status == Status.NotFound ? absentVersion() : 0;
    return status == Status.Ok ? ByteView.of(load<usize>(out), load<i32>(out, 4)) : null;
  }

  /** Writes if the value still has `version`; 0 writes in any case. */
  protected writeShared(start: usize, size: usize, version: u32): SharedResult {
    const key = this.sharedKeyBytes;
    const status = proxy_set_shared_data(changetype<usize>(key), key.length, start, size, version);
    if (status == Status.Ok) return SharedResult.Done;
    return status == Status.CasMismatch ? SharedResult.Contended : SharedResult.Refused;
  }
}

/**
 * Text or bytes that all workers share.
 *
 * Allowed in: every callback. Cost: one host call each; making the object takes two.
 */
export class SharedValue extends SharedKey {
  /** The value, or `null` when there is none or the proxy refuses. Bytes that are not UTF-8 become U+FFFD. */
  get(): string | null {
    const bytes = this.readShared();
    return bytes === null ? null : decodeText(bytes.start, bytes.length);
  }

  /** As {@link get}, as it came. Valid until the callback returns. */
  getBytes(): ByteView | null {
    return this.readShared();
  }

  /** Writes whatever is there. */
  set(text: string): SharedResult {
    const encoded = encodeText(text);
    return this.writeShared(encoded, textSize(encoded), 0);
  }

  /** As {@link set}. */
  setBytes(bytes: ByteView): SharedResult {
    return this.writeShared(bytes.start, bytes.length, 0);
  }

  /** Writes unless there is a value: then the answer is `Contended`. */
  setIfAbsent(text: string): SharedResult {
    const encoded = encodeText(text);
    return this.writeShared(encoded, textSize(encoded), absentVersion());
  }

  /**
   * Has `change` make new text of the old and writes it, so that no worker's change is lost: again with what is there then
   * when another worker came first, 100 times at most. `null` from `change` leaves what is there.
   *
   * Functions have no closures: what `change` needs is its second argument.
   *
   * ```ts
   * visitors.update<string>((names, name) => (names === null ? name : names + "," + name), "ada");
   * ```
   *
   * `Contended` when other workers came first each time; unless the answer is `Done`, nothing was written.
   */
  update<T>(change: (current: string | null, argument: T) => string | null, argument: T): SharedResult {
    for (let attempt = 0; attempt < 100; attempt++) {
      const current = this.get();
      const version = this.sharedVersion;
      if (version == 0) return SharedResult.Refused;
      const next = change(current, argument);
      if (next === null) return SharedResult.Done;
      const encoded = encodeText(next);
      const result = this.writeShared(encoded, textSize(encoded), version);
      if (result != SharedResult.Contended) return result;
    }
    return SharedResult.Contended;
  }

  /**
   * Writes if nobody has written since this object's last {@link get} or {@link getBytes}; else the answer is `Contended`:
   * read again and try again, a bounded number of times. `Refused` when nothing was read before.
   */
  replaceIfUnchanged(text: string): SharedResult {
    const encoded = encodeText(text);
    const version = this.sharedVersion;
    return version == 0 ? SharedResult.Refused : this.writeShared(encoded, textSize(encoded), version);
  }
}

/**
 * A number that all workers share, kept as eight bytes, little endian.
 *
 * Allowed in: every callback. Cost: one host call to read or set, two to add; making the object takes two.
 */
export class SharedNumber extends SharedKey {
  private sharedSum: u64 = 0;

  /** The number; `otherwise` when there is none, what is there is no number, or the proxy refuses. */
  get(otherwise: u64 = 0): u64 {
    const bytes = this.readShared();
    return bytes !== null && bytes.length == 8 ? load<u64>(bytes.start) : otherwise;
  }

  /** Writes whatever is there. */
  set(value: u64): SharedResult {
    return this.write(value, 0);
  }

  /**
   * Adds `delta`, so that no worker's addition is lost; an absent number counts as 0. It wraps at 2⁶⁴. `Contended` when
   * other workers came first 100 times in a row; unless the answer is `Done`, nothing was added. {@link sum} is the result.
   */
  add(delta: i64): SharedResult {
    for (let attempt = 0; attempt < 100; attempt++) {
      const bytes = this.readShared();
      if (this.sharedVersion == 0 || (bytes !== null && bytes.length != 8)) return SharedResult.Refused;
      const sum = (bytes === null ? 0 : load<u64>(bytes.start)) + <u64>delta;
      const result = this.write(sum, this.sharedVersion);
      if (result == SharedResult.Done) this.sharedSum = sum;
      if (result != SharedResult.Contended) return result;
    }
    return SharedResult.Contended;
  }

  /** What the last {@link add} of this worker that was `Done` made of the number; 0 before the first. */
  get sum(): u64 {
    return this.sharedSum;
  }

  private write(value: u64, version: u32): SharedResult {
    const bytes = memory.data(8, 8);
    store<u64>(bytes, value);
    return this.writeShared(bytes, 8, version);
  }
}

/** The last version the proxy gives, after 2³² − 2 writes: with it a missing key is made, a present one not touched. */
// @ts-ignore: decorator
@inline
function absentVersion(): u32 {
  return u32.MAX_VALUE;
}
