import { isDeepStrictEqual } from "node:util";
import { Dice } from "../../conformance/dice.ts";
import type { EnvoyHttpFilter } from "../../e2e/istio/translate.ts";
import { freePorts } from "../free-ports.ts";
import { deliberateDifference } from "./deliberate.ts";
import { randomClient, randomTable, type Client, type Request } from "./generator.ts";
import type { Answer } from "./client.ts";
import type { Table } from "./policy.ts";
import { Tokens, tokensOf } from "./tokens.ts";
import { PolicyProxy, type Answers, type Loaded } from "./proxy.ts";

export interface Difference extends Answers {
  table: Table;
  client: Client;
  request: Request;
}

export interface Summary {
  requests: number;
  policies: number;
  agree: number;
  /** How often ours denies, on purpose, what native allows, by the reason. */
  stricter: Map<string, number>;
  /** How many of the requests passed the native filters. */
  allowed: number;
  /** How many of these have a mark by the native filters: audited, or denied by a dry run. */
  marks: Map<string, number>;
  differences: Difference[];
}

/** Makes the filters that Istio puts in the place of a table. */
export type Translator = (table: Table) => Promise<EnvoyHttpFilter[]>;

export interface ComparisonOptions {
  seed: number;
  tables: number;
  requestsPerTable: number;
  translator: Translator;
  progress?: (summary: Summary) => void;
}

/** Tables that Envoy has at a time. */
const BATCH = 50;
/** Connections to each table, each with a peer of its own. */
const CLIENTS = 3;

/** Sends random requests through random policies, native and by the filter, and compares what becomes of them. */
export async function comparePolicies(options: ComparisonOptions): Promise<Summary> {
  const { seed, tables, requestsPerTable, translator, progress } = options;
  const dice = new Dice(seed);
  const summary: Summary = {
    requests: 0,
    policies: 0,
    agree: 0,
    stricter: new Map(),
    allowed: 0,
    marks: new Map(),
    differences: [],
  };
  const tokens = await Tokens.make(dice.fork());
  const proxy = await PolicyProxy.start();
  try {
    for (let done = 0; done < tables; done += BATCH) {
      const ports = await freePorts(Math.min(BATCH, tables - done));
      const batch = await Promise.all(
        ports.map(async (port): Promise<Loaded> => {
          const table = randomTable(dice, port, dice.chance(0.3) ? tokens.randomRules(dice) : []);
          return { table, port, filters: await translator(table) };
        }),
      );
      await proxy.load(batch);
      const compareTable = async (loaded: Loaded) => {
        const clients = dice.list(CLIENTS, CLIENTS, (index) => {
          const share = Math.floor((requestsPerTable + index) / CLIENTS);
          const hasTokens = loaded.table.jwtRules.length > 0;
          return randomClient(dice, loaded.table, share, (request) => hasTokens && tokens.addTo(request, dice));
        });
        const answers = await Promise.all(clients.map((client) => proxy.send(loaded, client)));
        clients.forEach((client, at) =>
          client.requests.forEach((request, index) =>
            record(summary, { ...answers[at]![index]!, table: loaded.table, client, request }),
          ),
        );
      };
      await Promise.all(batch.map(compareTable));
      summary.policies += batch.reduce((sum, { table }) => sum + table.policies.length, 0);
      progress?.(summary);
    }
  } finally {
    await proxy.stop();
  }
  return summary;
}

function record(summary: Summary, difference: Difference): void {
  summary.requests++;
  if (difference.native.status === 200) summary.allowed++;
  const isSame = agree(difference);
  const [native, filter] = [marksOf(difference.native), marksOf(difference.filter)];
  for (const mark of native) summary.marks.set(mark, (summary.marks.get(mark) ?? 0) + 1);
  if (isSame && native.join() === filter.join()) {
    summary.agree++;
    return;
  }
  // Where both deny, for reasons of their own, ours needs a reason as well.
  const isStricter = difference.filter.status >= 400 || (isSame && native.every((mark) => filter.includes(mark)));
  const reason = isStricter ? deliberateDifference(difference.table, difference.request) : null;
  if (reason === null) summary.differences.push(difference);
  else summary.stricter.set(reason, (summary.stricter.get(reason) ?? 0) + 1);
}

/** What policies that decide nothing say of a request that passed. */
function marksOf({ headers }: Answer): string[] {
  const has = (name: string, value: RegExp) => value.test(headers[name] ?? "-");
  const isAudited = has("native-audited", /^true$/) || has("filter-audited", /[^-]/);
  const isDenied =
    has("native-dry-run-deny", /^denied$/) || has("native-dry-run-allow", /^denied$/) || has("filter-dry-run", /[^-]/);
  return [...(isAudited ? ["audited"] : []), ...(isDenied ? ["denied by a dry run"] : [])];
}

function agree({ table, request, native, filter }: Difference): boolean {
  if (isDeepStrictEqual(observe(native), observe(filter))) return true;
  const hasSeveral = tokensOf(request).length > 1;
  // Of several problems with tokens either may be told.
  const refuseToken = [native, filter].every(({ headers }) => "www-authenticate" in headers);
  if (refuseToken) return hasSeveral || table.jwtRules.length > 1;
  // Envoy puts the claims of all of several tokens into its headers; ours those of the token that policies see.
  return hasSeveral && isDeepStrictEqual(observe(withoutClaims(native)), observe(withoutClaims(filter)));
}

/** `answer` without the headers that claims are put into. */
function withoutClaims(answer: Answer): Answer {
  const kept = Object.entries(answer.headers).filter(
    ([name]) => !/^seen-x-(payload|sub|level-claim|roles)$/.test(name),
  );
  return { ...answer, headers: Object.fromEntries(kept) };
}

/**
 * An answer without what changes from one to the next, and without what ours does otherwise for all requests: it tells no
 * query in `realm`, which could hold a token, and no backslash; leaves a query that it takes a token out of as it was written, where Envoy
 * sorts and decodes it; and writes numbers without zeros at their end.
 */
function observe({ status, headers, body }: Answer): unknown {
  const { date: _date, "seen-path": path, "seen-x-level-claim": level, "www-authenticate": realm, ...rest } = headers;
  const others = Object.entries(rest).filter(([name]) => !/^(native|filter)-/.test(name));
  const [plain, query] = (path ?? "").split(/\?(.*)/s);
  const parameters = (query ?? "").split("&").map((text) => text.replace(/%2e/gi, ".").replace(/^=$/, ""));
  const number = Number(level ?? "x");
  return {
    status,
    headers: Object.fromEntries(others),
    body,
    seen: [plain, ...parameters.filter(Boolean).sort()],
    level: Number.isNaN(number) ? level : number,
    realm: realm?.replace(/\?[^"]*"/, '"').replaceAll("\\", ""),
  };
}

/** A difference as text for people. */
export function describe({ table, client, request, native, filter }: Difference): string {
  const show = ({ status, headers, body }: Answer) => `${status} ${body} ${JSON.stringify(headers)}`;
  return [
    `${request.method} ${JSON.stringify(request.target)} ${JSON.stringify(request.headers)}`,
    `  from ${client.peer} to ${JSON.stringify(client.serverName)}`,
    `  through ${JSON.stringify(table)}`,
    `  native: ${show(native)}`,
    `  filter: ${show(filter)}`,
  ].join("\n");
}
