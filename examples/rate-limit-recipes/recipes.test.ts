import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Cluster, Host, RequestOptions } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { SignJWT } from "jose";
import { expect, it } from "vitest";
import { rateLimitReply, readRateLimitRequest } from "../../test/rate-limit-messages.ts";

const module = new URL("../../assembly/rate-limit/build/plugin.wasm", import.meta.url);

/** How many of `count` equal requests pass. */
async function passing(host: Host, count: number, options: RequestOptions = {}, path = "/"): Promise<number> {
  let passed = 0;
  for (let request = 0; request < count; request++) passed += Number((await host.fetch(path, options)).status === 200);
  return passed;
}

const keys = generateKeyPairSync("ed25519");
/** Verifies tokens, in front of the limits. */
const authPolicy = {
  name: "auth-policy",
  module: new URL("../../assembly/auth-policy/build/plugin.wasm", import.meta.url),
  configuration: {
    requestAuthentication: [
      { jwtRules: [{ issuer: "https://issuer.example", jwks: JSON.stringify({ keys: [keys.publicKey.export({ format: "jwk" })] }) }] }, // prettier-ignore
    ],
  },
};

async function bearer(claims: Record<string, string>): Promise<RequestOptions> {
  const token = new SignJWT(claims).setProtectedHeader({ alg: "EdDSA" }).setIssuer("https://issuer.example");
  return { headers: { authorization: `Bearer ${await token.sign(keys.privateKey)}` } };
}

eachHost("rate limit recipes", (start) => {
  const withRecipe = async (name: string, clusters: Record<string, Cluster> = {}) =>
    await start({
      plugins: [{ name: "rate-limit", module, configuration: readFileSync(new URL(name, import.meta.url), "utf8") }],
      clusters: { app: () => ({ body: "app" }), ...clusters },
      routes: [{ match: { prefix: "/" }, cluster: "app" }],
    });

  it("per-ip.json gives each address twenty requests at once", async () => {
    await using host = await withRecipe("per-ip.json");
    const from = (address: string): RequestOptions => ({ headers: { "x-forwarded-for": address } });
    const passed = await passing(host, 30, from("192.0.2.1"));
    // One more comes back every 0.6 seconds.
    expect(passed).toBeGreaterThanOrEqual(20);
    expect(passed).toBeLessThan(30);
    expect(await passing(host, 3, from("192.0.2.2"))).toBe(3);
  });

  it("per-api-key.json knows keys that get more, all or nothing", async () => {
    await using host = await withRecipe("per-api-key.json");
    const key = (name: string): RequestOptions => ({ headers: { "x-api-key": name } });
    expect(await passing(host, 7, key("plain"), "/api/x")).toBe(5);
    expect(await passing(host, 20, key("gold"), "/api/x")).toBe(20);
    expect(await passing(host, 20, key("internal-ci"), "/api/x")).toBe(20);
    expect(await passing(host, 2, key("leaked"), "/api/x")).toBe(0);
    expect(await passing(host, 2, {}, "/api/x")).toBe(0);
    expect(await passing(host, 7, {}, "/public")).toBe(7);
  });

  it("plans.json gives users what their plan has", async () => {
    const configuration = readFileSync(new URL("plans.json", import.meta.url), "utf8");
    await using host = await start({ plugins: [authPolicy, { name: "rate-limit", module, configuration }] });
    expect(await passing(host, 4, await bearer({ sub: "ada" }))).toBe(2);
    expect(await passing(host, 4, await bearer({ sub: "bob" }))).toBe(2);
    expect(await passing(host, 7, await bearer({ sub: "ada", plan: "pro" }))).toBe(5);
    expect(await passing(host, 9, await bearer({ sub: "eve", plan: "enterprise" }))).toBe(9);
    expect(await passing(host, 2)).toBe(0);
  });

  it("guessing.json stops those who guess passwords, not those who know them", async () => {
    const login: Cluster = (request) => ({ status: request.text() === "right" ? 200 : 401 });
    await using host = await withRecipe("guessing.json", { app: login });
    const statuses = [];
    for (const body of ["right", "right", "right", "right", "a", "b", "c", "right"])
      statuses.push((await host.fetch("/login", { method: "POST", body })).status);
    expect(statuses).toEqual([200, 200, 200, 200, 401, 401, 401, 429]);
    expect(await host.fetch("/login")).toMatchObject({ status: 401 });
  });

  it("global.json asks the service after the local limit, and lets requests pass without it", async () => {
    const counts = new Map<string, number>();
    let isUp = true;
    const ratelimit: Cluster = {
      grpc(call) {
        if (!isUp) return { status: 14 };
        const [key] = readRateLimitRequest(call.messages[0]!).descriptors[0]!.entries;
        const count = (counts.get(key!) ?? 0) + 1;
        counts.set(key!, count);
        return { messages: [rateLimitReply({ code: count > 5 ? 2 : 1, statuses: [] })] };
      },
    };
    await using host = await withRecipe("global.json", { ratelimit });
    const user = (name: string): RequestOptions => ({ headers: { "x-user": name } });
    expect(await passing(host, 7, user("ada"))).toBe(5);
    isUp = false;
    expect(await passing(host, 3, user("ada"))).toBe(3);
  });

  it("too-busy.json answers 429 with a text of its own", async () => {
    await using host = await withRecipe("too-busy.json");
    expect(await passing(host, 3)).toBe(3);
    const busy = await host.fetch("/");
    expect([busy.status, busy.text()]).toEqual([429, "Too busy"]);
  });
});
