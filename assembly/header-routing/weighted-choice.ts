import { ByteView, ConfigReader, randomBelow, xxHash64 } from "@attache/sdk";

/**
 * Chooses by weight. The choices take their shares of the range from 0 to the sum of weights in the order they are listed;
 * a request falls at a random place, or at one its sticky key always has.
 *
 * With two choices, raising one weight at the cost of the other moves users only towards it.
 */
@final
export class WeightedChoice {
  private readonly weights: u32[] = [];
  private readonly seed: u64;
  private total: u64 = 0;
  private isWrong: bool = false;

  /** @param salt sets the sticky choice of one route apart from that of another with the same weights */
  constructor(salt: string) {
    const text = ByteView.ofText(salt);
    this.seed = xxHash64(text.start, text.length);
  }

  /** Adds a choice whose `weight` is a member of `config`; one without a weight has the default. */
  add(config: ConfigReader, defaultWeight: u32): void {
    const weight = config.has("weight") ? config.integer("weight", -1, 0, i32.MAX_VALUE) : defaultWeight;
    if (weight < 0) this.isWrong = true;
    this.weights.push(<u32>max(weight, 0));
    this.total += max(weight, 0);
  }

  /** Adds a problem when nothing could be chosen. */
  check(config: ConfigReader): void {
    if (this.total == 0 && this.weights.length > 0 && !this.isWrong) {
      config.error("total destination weight = 0");
    }
    if (this.total > u32.MAX_VALUE) config.error("the weights add up to more than 4294967295");
  }

  /** The number of the choice. @param key `null`: at random */
  choose(key: ByteView | null): i32 {
    const total = <u32>this.total;
    let place = key === null ? randomBelow(total) : this.placeOf(key, total);
    let index = 0;
    while (place >= unchecked(this.weights[index])) place -= unchecked(this.weights[index++]);
    return index;
  }

  private placeOf(key: ByteView, total: u32): u32 {
    return <u32>(((xxHash64(key.start, key.length, this.seed) & 0xffffffff) * <u64>total) >>> 32);
  }
}
