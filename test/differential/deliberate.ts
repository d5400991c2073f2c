import type { Request } from "./generator.ts";
import type { HttpRoute } from "./virtual-service.ts";

/** Inputs for which the filter decides otherwise on purpose, none of them a request as clients send it. */
interface Deliberate {
  /** Where the decision is written down. */
  reference: string;
  applies: (table: readonly HttpRoute[], request: Request) => boolean;
  /** The request for which native routes must decide what the filter decides for this one. */
  meant: (request: Request) => Request;
}

const all: readonly Deliberate[] = [
  {
    // Names of hosts have no case (RFC 3986 §3.2.2), and clients send them in lower case (§6.2.2.1).
    reference: "docs/rationale.md, header-routing: authority ignores case",
    applies: (table, { headers }) =>
      headers.some(([name, value]) => name === "host" && value !== value.toLowerCase()) &&
      table.some(({ match }) => match?.some(({ authority }) => authority !== undefined)),
    meant: ({ headers, ...request }) => ({
      ...request,
      headers: headers.map(([name, value]) => [name, name === "host" ? value.toLowerCase() : value]),
    }),
  },
];

/** What native routes must be asked when both sides differ, or `null` when they must not differ. */
export function meantRequest(table: readonly HttpRoute[], request: Request): Request | null {
  return all.find(({ applies }) => applies(table, request))?.meant(request) ?? null;
}
