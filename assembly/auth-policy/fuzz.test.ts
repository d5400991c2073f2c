import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { PluginRejectedError, startEmulator } from "@attache/harness";
import { describe, expect, it } from "vitest";
import { Dice } from "../../test/conformance/dice.ts";
import { randomTable } from "../../test/differential/auth-policy/generator.ts";
import { resourceOf } from "../../test/differential/auth-policy/policy.ts";
import { fuzzInputs, fuzzTimeout } from "../../test/fuzz-inputs.ts";
import { proxy } from "./external/testing.ts";

const issuer = "https://issuer.example";
const secret = Buffer.alloc(32, 7);
const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = { key: pair.privateKey, dsaEncoding: "ieee-p1363" } as const;
const jwks = JSON.stringify({
  keys: [
    { kty: "oct", kid: "HS256", k: secret.toString("base64url") },
    { ...pair.publicKey.export({ format: "jwk" }), kid: "ES256" },
  ],
});

function signed(alg: "HS256" | "ES256"): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const message = `${part({ alg, kid: alg })}.${part({ iss: issuer, sub: "ann", aud: ["shop"], groups: ["a", "b"] })}`;
  const signature = alg === "HS256" ? createHmac("sha256", secret).update(message).digest() : sign("sha256", Buffer.from(message), key); // prettier-ignore
  return `${message}.${signature.toString("base64url")}`;
}

/** What is in tokens, and what a header can carry beside it. */
const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ~\xff\x80\t,";

/** The token with some characters changed, left out or repeated; never itself. */
function altered(token: string, dice: Dice): string {
  let text = token;
  do {
    const at = Math.floor(dice.next() * (text.length + 1));
    const character = dice.of([...characters]);
    text = dice.of([
      () => text.slice(0, at) + character + text.slice(at + 1),
      () => text.slice(0, at) + text.slice(at + 1),
      () => text.slice(0, at) + character + text.slice(at),
      () => text.slice(0, at) + text.slice(Math.max(0, at - 8)),
    ])();
    // Blanks around a header's value belong to nobody.
  } while (text.trim() === token || dice.chance(0.2));
  return text;
}

/** The value with something in it replaced, left out or added. */
function mutated(value: unknown, dice: Dice): unknown {
  const isDeeper = typeof value === "object" && value !== null && Object.keys(value).length > 0 && dice.chance(0.85);
  if (!isDeeper)
    return dice.of<unknown>([
      "text",
      "",
      5,
      -1,
      1e300,
      true,
      null,
      [],
      {},
      "*",
      "a*b",
      "{**}",
      [value],
      "/{",
      "regex:a.*",
      "regex:(",
    ]);
  const name = dice.of(Object.keys(value));
  const member = mutated((value as Record<string, unknown>)[name], dice);
  if (Array.isArray(value)) return value.map((entry: unknown, index) => (String(index) === name ? member : entry));
  return dice.of([
    { ...value, [name]: member },
    { ...value, [name]: member },
    { ...value, [`${name}s`]: member },
  ]);
}

describe("auth-policy and input that is made up", () => {
  it(
    "tokens of which a byte is altered never trap, and are never accepted",
    async () => {
      const policy = { rules: [{ from: [{ source: { requestPrincipals: ["*"] } }] }] };
      const more = { requestAuthentication: [{ jwtRules: [{ issuer, jwks }] }] };
      await using host = await startEmulator(proxy([], {}, [policy], more));
      host.keepLatest();
      const dice = new Dice(3);
      const tokens = { HS256: signed("HS256"), ES256: signed("ES256") };
      const statusOf = async (token: string) =>
        (await host.fetch("/", { headers: { authorization: `Bearer ${token}` } })).status;
      const accepted: string[] = [];
      for (let round = 0; round < fuzzInputs(5_000); round++) {
        const token = tokens[dice.chance(0.02) ? "ES256" : "HS256"];
        const other = altered(token, dice);
        if ((await statusOf(other)) === 200) accepted.push(other);
        // Also beside those that are remembered.
        if (round % 1000 === 0) expect(await statusOf(token)).toBe(200);
      }
      expect(accepted).toEqual([]);
      expect(host.traps).toEqual([]);
    },
    fuzzTimeout(60_000),
  );

  it(
    "policies never trap",
    async () => {
      const dice = new Dice(5);
      const options = { options: { sourceIpFrom: "remoteAddress", regex: true } };
      await using host = await startEmulator(proxy([], {}, []));
      host.keepLatest();
      let taken = 0;
      const outcomes = new Set<string>();
      for (let count = 0; count < fuzzInputs(2_000);) {
        // Several at a time: each configuration starts VMs.
        const isMutated = dice.chance(0.7);
        const authorizationPolicies = dice
          .list(1, 60, () => randomTable(dice, 8080, []).policies.map(resourceOf))
          .flatMap((policies) =>
            isMutated && dice.chance(0.2) ? policies.map((policy) => mutated(policy, dice)) : policies,
          );
        count += Math.max(1, authorizationPolicies.length);
        await host.update(proxy([], {}, authorizationPolicies as object[], options)).then(
          () => {
            taken++;
            outcomes.add("taken");
          },
          (error: unknown) => {
            if (!(error instanceof PluginRejectedError)) throw error;
            outcomes.add("refused");
          },
        );
        expect([200, 400, 403]).toContain((await host.fetch(`/${taken}`, { headers: { "x-a": "admin" } })).status);
      }
      expect(host.traps).toEqual([]);
      expect([...outcomes].sort()).toEqual(["refused", "taken"]);
    },
    fuzzTimeout(60_000),
  );
});
