import type { Scenario } from "../scenario.ts";
import { headers } from "./headers.ts";

/** All scenarios; their names are unique. */
export const scenarios: readonly Scenario[] = [...headers];
