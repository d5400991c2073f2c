import { startEmulator, type RequestOptions } from "@attache/harness";
import { beforeAll, describe, expect, it } from "vitest";
import { compileFilter } from "../../test/compile-filter.ts";
import { Dice } from "../../test/conformance/dice.ts";

/** Answers with the number of the route that the index finds, and of the one that trying each in order finds. */
const comparing = `
import { ConfigReader, FilterHeaders, HttpFilter, LocalReply, Plugin, registerPlugin, RequestHeaders } from "@attache/sdk";
import { Route } from "../../../../assembly/header-routing/route";
import { RouteTable } from "../../../../assembly/header-routing/route-table";
export * from "@attache/sdk/proxy";

class Comparing extends Plugin {
  readonly table: RouteTable = new RouteTable();
  override configure(config: ConfigReader): void {
    const routes = config.array("http");
    for (let index = 0; index < routes.length; index++) this.table.add(new Route(routes.at(index).asObject(), index, false));
    this.table.compile();
  }
  override createFilter(): HttpFilter { return new ComparingStream(this.table); }
}
class ComparingStream extends HttpFilter {
  constructor(private readonly table: RouteTable) { super(); }
  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const table = this.table;
    table.facts.begin(headers);
    const found = table.find();
    let first = 0;
    while (first < table.routes.length && !this.matches(table.routes[first])) first++;
    const byIndex = found === null ? table.routes.length : table.routes.indexOf(found);
    return new LocalReply(200).text(byIndex.toString() + " " + first.toString()).send();
  }
  private matches(route: Route): bool {
    for (let index = 0; index < route.alternatives.length; index++) {
      if (route.alternatives[index].matches(this.table.facts)) return true;
    }
    return false;
  }
}
registerPlugin(() => new Comparing());
`;

const paths = ["/", "/a", "/A", "/api", "/apiary", "/api/", "/api/v1", "/API/v1/x", "/b?x=1", "/b?x=2&y", "/é", ""];
const values = ["", "a", "A", "ab", "vip", "gold", "a,b"];
const names = ["x-a", "x-b", "X-A", "end-user"];
const hosts = ["shop.example", "Shop.Example", "api.example:8080", "a"];

function stringMatch(dice: Dice, texts: readonly string[]): unknown {
  const text = dice.of(texts);
  if (dice.chance(0.5)) return { exact: text };
  return dice.of([
    { prefix: text.slice(0, dice.of([1, 2, 4, 9])) },
    { regex: `${text.slice(0, 2).replace(/[?.]/g, ".")}.*` },
    { regex: dice.of(["[a-c/].*", "", "*", "(a|/a).*"]) },
    {},
  ]);
}

function match(dice: Dice): Record<string, unknown> {
  const named = () => ({ [dice.of(names)]: stringMatch(dice, values) });
  const uri = dice.chance(0.2) ? { pathSeparatedPrefix: dice.of(["/api", "/A", "/a"]) } : stringMatch(dice, paths);
  return {
    ...(dice.chance(0.7) ? { uri } : { queryParams: { y: { exact: dice.of(values) } } }),
    ...(dice.chance(0.3) ? { ignoreUriCase: true } : {}),
    ...(dice.chance(0.5) ? { authority: stringMatch(dice, hosts) } : {}),
    ...(dice.chance(0.6) ? { headers: { ...named(), ...named() } } : {}),
    ...(dice.chance(0.2) ? { withoutHeaders: named() } : {}),
    ...(dice.chance(0.2) ? { method: { exact: dice.of(["GET", "POST"]) } } : {}),
    ...(dice.chance(0.1) ? { queryParams: { x: stringMatch(dice, ["1", "2"]) } } : {}),
    ...(dice.chance(0.1) ? { cookies: { user: stringMatch(dice, values) } } : {}),
  };
}

function request(dice: Dice): [string, RequestOptions] {
  const headers: [string, string][] = [["host", dice.of(hosts)]];
  for (const name of dice.some(names, 0.5)) headers.push([name.toLowerCase(), dice.of(values)]);
  if (dice.chance(0.3)) headers.push(["cookie", `b=1; user=${dice.of(values)}`]);
  return [dice.of(paths) || "/", { method: dice.of(["GET", "POST"]), headers }];
}

describe("the index of routes", () => {
  let module: Uint8Array;
  beforeAll(async () => void (module = await compileFilter(comparing)));

  it("finds the route that trying each in order finds", async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const dice = new Dice(seed);
    const taken = new Set<string>();
    for (let table = 0; table < 60; table++) {
      const http = dice.list(1, 40, () => ({
        match: dice.chance(0.01) ? undefined : dice.list(1, 3, () => match(dice)),
        route: [{ destination: { host: "app" } }],
      }));
      await using host = await startEmulator({ plugins: [{ module, configuration: { http } }] });
      for (let count = 0; count < 100; count++) {
        const [path, options] = request(dice);
        const [byIndex, inOrder] = (await host.fetch(path, options)).text().split(" ");
        expect({ seed, http, path, options, route: byIndex }).toEqual({ seed, http, path, options, route: inOrder });
        taken.add(byIndex!);
      }
    }
    expect(taken.size).toBeGreaterThan(20);
  });
});
