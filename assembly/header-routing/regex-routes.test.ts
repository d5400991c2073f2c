import { startEmulator, type RequestOptions } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";
import { compileFilter } from "../../test/compile-filter.ts";
import { Dice } from "../../test/conformance/dice.ts";
import { pagesAfter, type Send } from "../../test/guest-pages.ts";

const module = new URL("build/plugin.wasm", import.meta.url);
const COUNT = 1000;

interface RegexRoute {
  of: "path" | "host" | "x-user";
  regex: string;
}

/** Each takes one value of each thing that a request has, and one in fifty many. */
function routeAt(i: number): RegexRoute {
  const isBroad = i % 50 === 49;
  if (i % 3 === 0) return { of: "path", regex: isBroad ? `/v${i % 7}/.*` : `/v[0-9]+/service-${i}(/.*)?` };
  if (i % 3 === 1)
    return { of: "host", regex: isBroad ? `.*[${i % 10}]` : `^(www|api)\\.shop${i}\\.example(:[0-9]+)?$` };
  return { of: "x-user", regex: isBroad ? `\\w+-${i % 10}.*` : `(?i).*@team${i}\\.example\\b.*` };
}

const routes = Array.from({ length: COUNT }, (_, i) => routeAt(i));
const http = routes.map(({ of, regex }, i) => ({
  match: [of === "x-user" ? { headers: { [of]: { regex } } } : { [of === "path" ? "uri" : "authority"]: { regex } }],
  route: [{ destination: { host: "app", subset: `route-${i}` } }],
}));

/** JavaScript means the same by these expressions, but for `(?i)`. */
const oracles = routes.map(
  ({ regex }) => new RegExp(`^(?:${regex.replace("(?i)", "")})$`, regex.includes("(?i)") ? "i" : ""),
);

function request(dice: Dice): Record<RegexRoute["of"], string> {
  const number = () => Math.floor(dice.next() * COUNT);
  const of = { path: Math.floor(number() / 3) * 3, host: number(), user: number() };
  return {
    path: dice.of([`/v${number()}/service-${of.path}`, `/v2/service-${of.path}/x`, `/v${of.path % 9}/x`, "/other"]),
    host: dice.of([`www.shop${of.host}.example`, `api.shop${of.host}.example:${of.host}`, "shop.example"]),
    "x-user": dice.of([`jane@TEAM${of.user}.example`, `a-${of.user}`, `x@team${of.user}.example/y`, "nobody"]),
  };
}

eachHost("header-routing", (start) => {
  it("takes the first of 1,000 routes by regular expressions", async () => {
    await using host = await start({
      plugins: [{ module, configuration: { http } }],
      clusters: { app: () => ({}) },
    });
    const seed = Math.floor(Math.random() * 2 ** 32);
    const dice = new Dice(seed);
    const taken = new Set<number>();
    for (let count = 0; count < 500; count++) {
      const values = request(dice);
      const first = routes.findIndex(({ of }, i) => oracles[i]!.test(values[of]));
      const options: RequestOptions = { headers: { host: values.host, "x-user": values["x-user"] } };
      await host.fetch(values.path, options);
      const published = host.requests("app").at(-1)!.header("x-route-subset");
      expect({ seed, values, route: published }).toEqual({ seed, values, route: first < 0 ? null : `route-${first}` });
      taken.add(first);
    }
    expect(taken.size).toBeGreaterThan(50);
  });
});

/** Answers each request with the route it takes and with the size of its memory. */
const measured = `
import { ConfigReader, FilterHeaders, HttpFilter, LocalReply, Plugin, registerPlugin, RequestHeaders } from "@attache/sdk";
import { Route } from "../../../../assembly/header-routing/route";
import { RouteTable } from "../../../../assembly/header-routing/route-table";
export * from "@attache/sdk/proxy";

class Measured extends Plugin {
  readonly table: RouteTable = new RouteTable();
  override configure(config: ConfigReader): void {
    const routes = config.array("http");
    for (let index = 0; index < routes.length; index++) this.table.add(new Route(routes.at(index).asObject(), index, false));
    this.table.compile();
  }
  override createFilter(): HttpFilter { return new MeasuredStream(this.table); }
}
class MeasuredStream extends HttpFilter {
  constructor(private readonly table: RouteTable) { super(); }
  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const table = this.table;
    table.facts.begin(headers);
    const found = table.find() !== null;
    return new LocalReply(found ? 200 : 404).header("x-pages", memory.size().toString()).send();
  }
}
registerPlugin(() => new Measured());
`;

it("keeps the memory of 1,000 regular expressions, whatever the paths", { timeout: 120_000 }, async () => {
  // Each path comes to states of its own: more than are kept.
  const match = (i: number) => [{ uri: { regex: `.*/s${i}/.*/t${i}` } }];
  const configuration = {
    http: Array.from({ length: COUNT }, (_, i) => ({ match: match(i), route: [{ destination: { host: "app" } }] })),
  };
  await using emulator = await startEmulator({ plugins: [{ module: await compileFilter(measured), configuration }] });
  emulator.keepLatest();
  const dice = new Dice(7);
  const number = () => Math.floor(dice.next() * COUNT);
  const send: Send = (stream, headers) => {
    headers.set(":path", `/s${number()}/a/s${number()}/b/t${number()}/s${number()}/t${number()}`);
    stream.headers(headers, true);
  };
  const early = pagesAfter(emulator, 5_000, send);
  expect(early).toBeGreaterThan(0);
  expect(pagesAfter(emulator, 20_000, send)).toBe(early);
});
