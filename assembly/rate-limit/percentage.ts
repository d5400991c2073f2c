import { ConfigReader, randomBelow } from "@attache/sdk";

/** A share of all requests, chosen at random. */
@final
export class Percentage {
  private readonly share: u32;

  constructor(config: ConfigReader, name: string) {
    this.share = <u32>config.integer(name, 100, 0, 100);
  }

  takes(): bool {
    return this.share == 100 || (this.share > 0 && randomBelow(100) < this.share);
  }
}
