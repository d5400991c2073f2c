import { ConfigReader } from "@attache/sdk";

export const enum Algorithm {
  Gcra,
  TokenBucket,
  FixedWindow,
  SlidingWindow,
  SlidingLog,
  Concurrency,
}

export function readAlgorithm(config: ConfigReader): Algorithm {
  const names: StaticArray<string> = [
    "gcra",
    "tokenBucket",
    "fixedWindow",
    "slidingWindow",
    "slidingLog",
    "concurrency",
  ];
  return config.oneOf("algorithm", names, Algorithm.Gcra);
}
