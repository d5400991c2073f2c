import { ConfigReader, randomBelow } from "@attache/sdk";

/** A share of all requests. */
@final
export class Percentage {
  private readonly share: u32;

  constructor(config: ConfigReader, name: string) {
    this.share = <u32>config.integer(name, 100, 0, 100);
  }

  /** @param sample what decides: any number, and 0 for one at random */
  takes(sample: u64): bool {
    if (this.share == 0 || this.share == 100) return this.share != 0;
    return (sample == 0 ? randomBelow(100) : <u32>(sample % 100)) < this.share;
  }
}
