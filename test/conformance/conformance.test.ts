import { afterAll, describe, expect, it } from "vitest";
import { findEnvoy } from "@attache/harness/envoy";
import type { Scenario } from "./scenario.ts";
import { stopIdleEnvoys } from "../../harness/envoy/pool.ts";
import { withoutEnvoy } from "@attache/harness/vitest";
import { compare } from "./comparison.ts";
import { uncoveredRows } from "./coverage.ts";
import { randomScenario } from "./random.ts";
import { rustGuestsAreBuilt } from "./rust/guests.ts";
import { rustScenarios, scenarios } from "./scenarios/index.ts";

it("a scenario settles each rule", () => {
  expect(uncoveredRows()).toEqual([]);
});

const envoy = await findEnvoy();

describe.skipIf(envoy === null)(`emulator and Envoy agree${envoy === null ? `: ${withoutEnvoy}` : ""}`, () => {
  afterAll(stopIdleEnvoys);

  const randomScenarios = Array.from({ length: 40 }, (_, i) => randomScenario(i + 1));
  it.each([...scenarios, ...randomScenarios])("$name", async (scenario) => {
    const { differences } = await compare(scenario);
    expect(differences.join("\n")).toBe("");
  });

  const areBuilt = rustGuestsAreBuilt();
  const notBuilt: Scenario = { name: "all", plugins: [] };
  describe.skipIf(!areBuilt)(
    `in guests of the Rust SDK${areBuilt ? "" : ": not built (npm run setup -- --all)"}`,
    () => {
      it.each(areBuilt ? rustScenarios() : [notBuilt])("$name", async (scenario) => {
        const { differences } = await compare(scenario);
        expect(differences.join("\n")).toBe("");
      });
    },
  );
});
