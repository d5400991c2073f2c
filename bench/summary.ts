/** Microseconds: median and quartiles of all rounds. */
export interface Summary {
  median: number;
  lower: number;
  upper: number;
}

export function summary(list: readonly number[]): Summary {
  const sorted = [...list].sort((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.round(share * (sorted.length - 1))]!);
  return { median: at(0.5), lower: at(0.25), upper: at(0.75) };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
