/** Names of the units that limits of the service have, in the order of their numbers, from 1 on. */
export function unitNames(): StaticArray<string> {
  return ["SECOND", "MINUTE", "HOUR", "DAY", "MONTH", "YEAR", "WEEK"];
}

/** Seconds of these units; the service counts months of 30 days and years of 365. */
export function unitSeconds(): StaticArray<u32> {
  return [1, 60, 3_600, 86_400, 2_592_000, 31_536_000, 604_800];
}
