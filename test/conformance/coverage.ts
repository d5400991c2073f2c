import { rows, type RowName } from "./rows.ts";
import { scenarios } from "./scenarios/index.ts";

/** Rules that no scenario names. */
export function uncoveredRows(): RowName[] {
  const settled = new Set(scenarios.flatMap(({ covers }) => covers ?? []));
  return (Object.keys(rows) as RowName[]).filter((name) => !settled.has(name));
}
