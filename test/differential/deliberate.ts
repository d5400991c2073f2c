import type { Request } from "./generator.ts";
import type { HttpRoute } from "./virtual-service.ts";

interface Deliberate {
  /** Where the decision is written down. */
  reference: string;
  applies: (table: readonly HttpRoute[], request: Request) => boolean;
}

/** Inputs for which the filter decides otherwise on purpose. None is a well-formed request with single values. */
const all: readonly Deliberate[] = [
  {
    // Names of hosts have no case (RFC 3986 §3.2.2), and clients send them in lower case (§6.2.2.1).
    reference: "docs/rationale.md, header-routing: authority ignores case",
    applies: (table, { headers }) =>
      headers.some(([name, value]) => name === "host" && value !== value.toLowerCase()) &&
      table.some(({ match }) => match?.some(({ authority }) => authority !== undefined)),
  },
];

/** Why both sides may differ, or `null`. */
export function deliberateDifference(table: readonly HttpRoute[], request: Request): string | null {
  return all.find(({ applies }) => applies(table, request))?.reference ?? null;
}
