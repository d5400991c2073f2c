import { startEmulator, type RequestOptions } from "@attache/harness";
import { beforeAll, describe, expect, it } from "vitest";
import { compileFilter } from "../../test/compile-filter.ts";
import { Dice } from "../../test/conformance/dice.ts";

/** Answers with the number of the rule that the index finds, of the one that trying each in order finds, and how many the index tried. */
const comparing = `
import { ConfigReader, FilterHeaders, HttpFilter, LocalReply, Plugin, registerPlugin, RequestHeaders } from "@attache/sdk";
import { RuleMatch } from "@attache/sdk/scopes/rule-match";
import { RuleTable } from "@attache/sdk/scopes/rule-table";
import { ScopedRequest } from "@attache/sdk/scopes/scoped-request";
export * from "@attache/sdk/proxy";

class CountingTable extends RuleTable {
  tried: i32 = 0;
  override take(number: i32): bool {
    this.tried += 1;
    return super.take(number);
  }
}
class Comparing extends Plugin {
  readonly table: CountingTable = new CountingTable();
  readonly rules: RuleMatch[] = [];
  override configure(config: ConfigReader): void {
    const rules = config.array("rules");
    for (let index = 0; index < rules.length; index++) {
      this.rules.push(new RuleMatch(rules.at(index).asObject()));
      this.table.add(this.rules[index]);
    }
    this.table.compile();
  }
  override createFilter(): HttpFilter { return new ComparingStream(this); }
}
class ComparingStream extends HttpFilter {
  constructor(private readonly plugin: Comparing) { super(); }
  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const table = this.plugin.table;
    const rules = this.plugin.rules;
    table.tried = 0;
    const byIndex = table.find(headers);
    const request = new ScopedRequest();
    request.begin(headers);
    let first = 0;
    while (first < rules.length && !rules[first].matches(request)) first++;
    if (first == rules.length) first = -1;
    return new LocalReply(200).text(byIndex.toString() + " " + first.toString() + " " + table.tried.toString()).send();
  }
}
registerPlugin(() => new Comparing());
`;

const hosts = ["shop.example", "a.shop.example", "b.a.shop.example", "a", "10.0.0.1"];
const paths = ["/", "/a", "/A", "/api", "/apiary", "/api/", "/api/v1", "/b.js", "/é"];
const values = ["", "a", "A", "ab", "vip", "gold", "a,b"];
const names = ["x-a", "x-b", "end-user"];

function textMatch(dice: Dice, texts: readonly string[]): unknown {
  const text = dice.of(texts);
  if (dice.chance(0.5)) return { exact: text };
  return dice.of([{ prefix: text.slice(0, dice.of([1, 2, 4, 9])) }, { suffix: text.slice(-2) }, {}]);
}

function match(dice: Dice): Record<string, unknown> {
  const host = () => (dice.chance(0.3) ? dice.of(["*", "*.shop.example", "*.example"]) : dice.of(hosts));
  const path = () => (dice.chance(0.2) ? { pathSeparatedPrefix: "/api" } : textMatch(dice, paths));
  const named = () => ({ [dice.of(names)]: textMatch(dice, values) });
  return {
    ...(dice.chance(0.5) ? { hosts: dice.list(1, 3, host) } : {}),
    ...(dice.chance(0.6) ? { paths: dice.list(1, 3, path) } : {}),
    ...(dice.chance(0.5) ? { headers: { ...named(), ...named() } } : {}),
    ...(dice.chance(0.1) ? { routes: [textMatch(dice, ["main", "other"])] } : {}),
    ...(dice.chance(0.1) ? { ports: [1] } : {}),
  };
}

function request(dice: Dice): [string, RequestOptions] {
  const headers: [string, string][] = [["host", dice.of(hosts)]];
  for (const name of dice.some(names, 0.5)) headers.push([name, dice.of(values)]);
  return [dice.of(paths), { headers }];
}

describe("the index of rules", () => {
  let module: Uint8Array;
  beforeAll(async () => {
    module = await compileFilter(comparing);
  });

  it("finds the rule that trying each in order finds", async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const dice = new Dice(seed);
    const taken = new Set<string>();
    for (let table = 0; table < 60; table++) {
      const rules = dice.list(1, 40, () => match(dice));
      await using host = await startEmulator({ plugins: [{ module, configuration: { rules } }] });
      for (let count = 0; count < 100; count++) {
        const [path, options] = request(dice);
        const [byIndex, inOrder] = (await host.fetch(path, options)).text().split(" ");
        expect({ seed, rules, path, options, rule: byIndex }).toEqual({ seed, rules, path, options, rule: inOrder });
        taken.add(byIndex!);
      }
    }
    expect(taken.size).toBeGreaterThan(15);
  });

  it("tries few of many rules", async () => {
    const rules = Array.from(
      { length: 9000 },
      (_, index) =>
        [
          { hosts: [`h${index}.example.com`], paths: [{ prefix: "/" }] },
          { hosts: ["*.example.com"], paths: [{ prefix: `/app-${index}/` }] },
          { headers: { "x-tenant": { exact: `t${index}` } } },
        ][index % 3],
    );
    await using host = await startEmulator({ plugins: [{ module, configuration: { rules } }] });
    const found = async (authority: string, path: string, tenant: string) =>
      (await host.fetch(path, { headers: { host: authority, "x-tenant": tenant } })).text();
    expect(await found("h6000.example.com", "/", "none")).toBe("6000 6000 1");
    expect(await found("x.example.com", "/app-7000/x", "t8000")).toBe("7000 7000 2");
    expect(await found("x.example.com", "/", "t8999")).toBe("8999 8999 1");
    expect(await found("x.example.com", "/", "none")).toBe("-1 -1 0");
  });
});
