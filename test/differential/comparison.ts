import { isDeepStrictEqual } from "node:util";
import { Dice } from "../conformance/dice.ts";
import { meantRequest } from "./deliberate.ts";
import { randomRequest, randomTable, type Request } from "./generator.ts";
import { freePorts } from "./free-ports.ts";
import { byHeader, destinations, DifferentialProxy, type Observation, type Table } from "./proxy.ts";
import type { Translator } from "./translators.ts";
import type { HttpRoute } from "./virtual-service.ts";

export interface Difference {
  table: readonly HttpRoute[];
  request: Request;
  native: Observation;
  filter: Observation;
}

export interface Summary {
  requests: number;
  tables: number;
  agree: number;
  /** Requests in another form than clients send, for which the filter decides what native routes decide for that form. */
  deliberate: number;
  differences: Difference[];
  /** How often each kind of match and action decided, by the fields of the tables. */
  kinds: Set<string>;
}

export interface ComparisonOptions {
  seed: number;
  tables: number;
  requestsPerTable: number;
  translator: Translator;
  progress?: (summary: Summary) => void;
}

/** Tables that Envoy has at a time. */
const BATCH = 50;

/** Sends random requests through random tables, native and by the filter, and compares what client and upstream see. */
export async function compareRouting(options: ComparisonOptions): Promise<Summary> {
  const { seed, tables, requestsPerTable, translator, progress } = options;
  const dice = new Dice(seed);
  const summary: Summary = { requests: 0, tables: 0, agree: 0, deliberate: 0, differences: [], kinds: new Set() };
  const proxy = await DifferentialProxy.start();
  try {
    const behindFilter = byHeader(await translator([{ route: [{ destination: destinations[0]! }] }], 80));
    while (summary.tables < tables) {
      const ports = await freePorts(Math.min(BATCH, tables - summary.tables));
      const batch = ports.map((port) => randomTable(dice, port));
      const loaded = batch.map(async (http, index): Promise<Table> => {
        const port = ports[index]!;
        return { http, port, native: await translator(http, port), behindFilter };
      });
      const sides = await proxy.load(await Promise.all(loaded));
      const compareTable = async (table: HttpRoute[], index: number) => {
        const { native, filter } = sides[index]!;
        const requests = dice.list(requestsPerTable, requestsPerTable, () => randomRequest(dice));
        for (const request of requests) {
          const [expected, found] = await Promise.all([proxy.send(native, request), proxy.send(filter, request)]);
          summary.requests++;
          if (isDeepStrictEqual(expected, found)) {
            summary.agree++;
            continue;
          }
          const meant = meantRequest(table, request);
          if (meant !== null && areSameButForCase(await proxy.send(native, meant), found)) summary.deliberate++;
          else summary.differences.push({ table, request, native: expected, filter: found });
        }
      };
      for (let first = 0; first < batch.length; first += 10) {
        await Promise.all(batch.slice(first, first + 10).map((table, at) => compareTable(table, first + at)));
      }
      for (const kind of kindsOf(batch)) summary.kinds.add(kind);
      summary.tables += batch.length;
      progress?.(summary);
    }
  } finally {
    await proxy.stop();
  }
  return summary;
}

/** What names the host repeats what the client wrote. */
function areSameButForCase(one: Observation, other: Observation): boolean {
  return JSON.stringify(one).toLowerCase() === JSON.stringify(other).toLowerCase();
}

/** Names of all fields in tables, with `*` for those that users choose. */
export function kindsOf(tables: readonly HttpRoute[][]): Set<string> {
  const kinds = new Set<string>();
  for (const table of tables) collectKinds(table, "", kinds);
  return kinds;
}

function collectKinds(value: unknown, path: string, kinds: Set<string>): void {
  if (Array.isArray(value)) for (const entry of value) collectKinds(entry, path, kinds);
  else if (typeof value === "object" && value !== null) {
    const isMap =
      /(^|\.)(headers|withoutHeaders|queryParams|cookies|set|add)$/.test(path) &&
      !("request" in value || "response" in value);
    for (const [name, member] of Object.entries(value)) {
      collectKinds(member, isMap ? `${path}.*` : path === "" ? name : `${path}.${name}`, kinds);
    }
  } else kinds.add(path);
}

/** A difference as text for people. */
export function describe({ table, request, native, filter }: Difference): string {
  const show = ({ status, headers, body }: Observation) => `${status} ${JSON.stringify(headers)}\n    ${body}`;
  return [
    `${request.method} ${request.path} ${JSON.stringify(request.headers)}`,
    `  through ${JSON.stringify({ http: table })}`,
    `  native: ${show(native)}`,
    `  filter: ${show(filter)}`,
  ].join("\n");
}
