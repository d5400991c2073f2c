import { findEnvoy } from "@attache/harness/envoy";
import { withoutEnvoy } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";
import { compareRouting, describe as show } from "./comparison.ts";

const envoy = await findEnvoy();

describe.skipIf(envoy === null)(
  `header-routing beside native routes${envoy === null ? `: ${withoutEnvoy}` : ""}`,
  () => {
    it("decides 1,000 random requests through 50 random tables as Envoy does", async () => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const { requests, agree, deliberate, differences } = await compareRouting({
        seed,
        tables: 50,
        requestsPerTable: 20,
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
