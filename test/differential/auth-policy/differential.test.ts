import { findEnvoy } from "@attache/harness/envoy";
import { withoutEnvoy } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";
import { Dice } from "../../conformance/dice.ts";
import { findIstio } from "../../e2e/istio/program.ts";
import { comparePolicies, describe as show } from "./comparison.ts";
import { compareCustom, describeCustom } from "./custom/comparison.ts";
import { randomTable } from "./generator.ts";
import { Tokens } from "./tokens.ts";
import { istioTranslator, ownTranslator } from "./translators.ts";

const envoy = await findEnvoy();
const istio = await findIstio();

describe.skipIf(envoy === null)(`auth-policy beside native filters${envoy === null ? `: ${withoutEnvoy}` : ""}`, () => {
  it("decides 2,000 random requests through 40 random tables as Envoy does, or more strictly", async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const summary = await comparePolicies({
      seed,
      tables: 40,
      requestsPerTable: 50,
      translator: ownTranslator.translate,
    });
    const again = `npm run differential -- auth-policy --seed ${seed} --tables 40 --requests 50`;
    expect(summary.differences.map(show), again).toEqual([]);
    expect(summary.requests).toBe(2000);
    expect(summary.agree).toBeGreaterThan(1900);
    expect(summary.allowed).toBeGreaterThan(200);
    expect([...summary.marks.keys()].sort()).toEqual(["audited", "denied by a dry run"]);
  }, 60_000);
});

describe.skipIf(envoy === null)(
  `auth-policy beside native ext_authz${envoy === null ? `: ${withoutEnvoy}` : ""}`,
  () => {
    it("asks 30 random services about 1,200 random requests as Envoy does, and does what they say", async () => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const summary = await compareCustom({ seed, providers: 30, requestsPerProvider: 40 });
      const again = `npm run differential -- ext-authz --seed ${seed} --tables 30 --requests 40`;
      expect(summary.differences.map(describeCustom), again).toEqual([]);
      expect(summary.agree).toBe(1200);
      expect(summary.allowed).toBeGreaterThan(200);
    }, 60_000);
  },
);

describe.skipIf(istio === null)(
  istio === null ? "Istio: not built, see `npm run setup -- --all`: authorization" : "Istio's authorization",
  () => {
    it("is translated as Istio does", async () => {
      await using translator = (await istioTranslator())!;
      const dice = new Dice(Math.floor(Math.random() * 2 ** 31));
      const tokens = await Tokens.make(dice.fork());
      const tables = dice.list(100, 100, () =>
        randomTable(dice, 8080, dice.chance(0.3) ? tokens.randomRules(dice) : []),
      );
      for (const table of tables) {
        const own = await ownTranslator.translate(table);
        expect(sorted(own), JSON.stringify(table)).toEqual(sorted(await translator.translate(table)));
      }
    }, 60_000);
  },
);

/** Terms that must all hold, or any, have no order, and count once. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const texts = new Set(value.map((entry) => JSON.stringify(sorted(entry))));
    return [...texts].sort().map((text) => JSON.parse(text));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
