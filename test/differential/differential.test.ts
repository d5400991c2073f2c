import { readFileSync } from "node:fs";
import { findEnvoy } from "@attache/harness/envoy";
import { withoutEnvoy } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";
import { Dice } from "../conformance/dice.ts";
import { findIstio } from "../e2e/istio/program.ts";
import { compareRouting, describe as show, kindsOf } from "./comparison.ts";
import { randomTable } from "./generator.ts";
import { istioTranslator, ownTranslator } from "./translators.ts";

const envoy = await findEnvoy();
const istio = await findIstio();
const randomSeed = () => Math.floor(Math.random() * 2 ** 31);

describe.skipIf(envoy === null)(
  `header-routing beside native routes${envoy === null ? `: ${withoutEnvoy}` : ""}`,
  () => {
    it("decides 1,000 random requests through 50 random tables as Envoy does", async () => {
      const seed = randomSeed();
      const { requests, agree, deliberate, differences } = await compareRouting({
        seed,
        tables: 50,
        requestsPerTable: 20,
        translator: ownTranslator.translate,
      });
      expect(
        differences.map(show),
        `npm run differential -- header-routing --seed ${seed} --tables 50 --requests 20`,
      ).toEqual([]);
      expect(requests).toBe(1000);
      expect(agree + deliberate).toBe(1000);
      expect(agree).toBeGreaterThan(900);
    });
  },
);

describe("random tables", () => {
  it("use every match and action that native routes have, too", () => {
    const dice = new Dice(randomSeed());
    const used = kindsOf(dice.list(500, 500, () => randomTable(dice, 8080)));
    // What is left out has no effect, or native routes have no such thing (own-model.test.ts compares that).
    const leftOut = /(^|\.)(rename\.\*|copy\.\*|dedupe)$|^match\.(name|statPrefix)$|^name$/;
    const known = [...kindsOfSchema()].filter((kind) => !leftOut.test(kind));
    expect([...used].sort()).toEqual(known.sort());
  });
});

describe.skipIf(istio === null)(
  istio === null ? "Istio: not built, see `npm run setup -- --all`: routes" : "Istio's routes",
  () => {
    it("are translated as Istio does", async () => {
      await using translator = (await istioTranslator())!;
      const seed = randomSeed();
      const dice = new Dice(seed);
      for (const table of dice.list(200, 200, () => randomTable(dice, 8080))) {
        const own = await ownTranslator.translate(table, 8080);
        const istios = await translator.translate(table, 8080);
        expect(comparable(own.routes), `${seed}: ${JSON.stringify(table)}`).toEqual(comparable(istios.routes));
      }
    }, 60_000);
  },
);

interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | false;
  items?: Schema;
}

/** The fields of a route, by the schema of the filter, as {@link kindsOf} names them. */
function kindsOfSchema(): Set<string> {
  const file = new URL("../../assembly/header-routing/schema.json", import.meta.url);
  const { $defs: definitions } = JSON.parse(readFileSync(file, "utf8")) as Schema;
  const kinds = new Set<string>();
  const visit = (schema: Schema, path: string): void => {
    const name = schema.$ref?.split("/").at(-1);
    if (name !== undefined && definitions![name] !== undefined) return visit(definitions![name], path);
    const members = Object.entries(schema.properties ?? {});
    for (const [member, of] of members) visit(of, path === "" ? member : `${path}.${member}`);
    if (schema.additionalProperties) visit(schema.additionalProperties, `${path}.*`);
    if (schema.items) visit(schema.items, path);
    if (members.length === 0 && !schema.additionalProperties && !schema.items) kinds.add(path);
  };
  visit(definitions!.route!, "");
  return kinds;
}

/** Without what is for people and traces; conditions that must all hold have no order, empty lists say nothing. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value)
    .filter(([name, member]) => !/^(metadata|decorator)$/.test(name) && !isEmpty(member))
    .map(([name, member]) => {
      const isUnordered = /^(headers|query_parameters|cookies|request_headers_to_add|response_headers_to_add)$/.test(
        name,
      );
      return [name, isUnordered ? byName(comparable(member) as object[]) : comparable(member)] as const;
    });
  return Object.fromEntries(members);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === false || value === "" || (Array.isArray(value) && value.length === 0);
}

function byName(list: readonly object[]): unknown[] {
  return list.map((entry) => JSON.stringify(entry)).sort();
}
