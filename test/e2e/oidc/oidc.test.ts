import { Emulator, type Host, type StartHost } from "@attache/harness";
import { findEnvoy, startEnvoy } from "@attache/harness/envoy";
import { eachHost, withoutEnvoy } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";
import { AUDIENCE, IdentityProvider, signingKey } from "./identity-provider.ts";

const module = new URL("../../../assembly/auth-policy/build/plugin.wasm", import.meta.url);

async function startFor(start: StartHost, provider: IdentityProvider, jwtRule: object = {}): Promise<Host> {
  const rule = { issuer: provider.issuer, cluster: "idp", audiences: [AUDIENCE], ...jwtRule };
  const configuration = {
    requestAuthentication: [{ jwtRules: [rule] }],
    authorizationPolicies: [{ rules: [{ when: [{ key: "request.auth.claims[scope]", values: ["read"] }] }] }],
    options: { jwksRefetch: "1s", jwksRefresh: "2s" },
  };
  return await start({
    plugins: [{ name: "auth-policy", module, configuration }],
    clusters: { app: () => ({ body: "app" }), idp: { host: "127.0.0.1", port: provider.port } },
    routes: [{ match: { prefix: "/" }, cluster: "app" }],
  });
}

/** Virtual time goes on by a millisecond, so that what is due happens. */
async function ask(host: Host, token: string): Promise<number> {
  const fetched = host.fetch("/", { headers: { authorization: `Bearer ${token}` } });
  if (host instanceof Emulator) host.advance(1);
  return (await fetched).status;
}

eachHost("an OpenID provider", (start) => {
  it.each(["RS256", "PS256", "ES256", "EdDSA"])("signs by %s what auth-policy lets pass", async (algorithm) => {
    await using provider = await IdentityProvider.start(await signingKey("k1", algorithm));
    await using host = await startFor(start, provider);
    expect(await ask(host, await provider.token())).toBe(200);
    await using other = await startFor(start, provider, { audiences: ["another"] });
    expect(await ask(other, await provider.token())).toBe(403);
  });

  it("is found by jwksUri, too", async () => {
    await using provider = await IdentityProvider.start(await signingKey("k1"));
    await using host = await startFor(start, provider, { jwksUri: `${provider.issuer}/jwks` });
    expect(await ask(host, await provider.token())).toBe(200);
  });

  it("rotates its keys while requests run: what the old key signed passes as long as it is published, and no longer", async () => {
    const [first, second] = [await signingKey("k1"), await signingKey("k2", "ES256")];
    await using provider = await IdentityProvider.start(first);
    await using host = await startFor(start, provider);
    const old = await provider.token();
    const statuses = new Map<string, Set<number>>([["old", new Set()], ["new", new Set()]]); // prettier-ignore
    const note = async (name: string, token: string) => statuses.get(name)!.add(await ask(host, token));
    await note("old", old);
    if (host instanceof Emulator) host.advance(1500);
    // The new key signs, the old one is still published.
    provider.rotate(second, first);
    await expect
      .poll(async () => (await note("old", old), await ask(host, await provider.token())), { timeout: 8000 })
      .toBe(200);
    for (let request = 0; request < 50; request++) {
      await note("old", old);
      await note("new", await provider.token());
    }
    expect(statuses).toEqual(new Map([["old", new Set([200])], ["new", new Set([200])]])); // prettier-ignore
    provider.rotate(second);
    const refused = async () => {
      if (host instanceof Emulator) host.advance(500);
      await note("new", await provider.token());
      return await ask(host, old);
    };
    await expect.poll(refused, { timeout: 10_000, interval: 20 }).toBe(401);
    expect(statuses.get("new")).toEqual(new Set([200]));
  }, 30_000);
});

const hasEnvoy = (await findEnvoy()) !== null;

describe.skipIf(!hasEnvoy)(`an OpenID provider, for four workers${hasEnvoy ? "" : `: ${withoutEnvoy}`}`, () => {
  it("is asked by each of them now and then, however many requests come", async () => {
    await using provider = await IdentityProvider.start(await signingKey("k1"));
    await using host = await startFor(async (options) => await startEnvoy({ ...options, workers: 4 }), provider);
    const token = await provider.token();
    const began = Date.now();
    for (let round = 0; round < 40; round++) {
      const statuses = await Promise.all(Array.from({ length: 25 }, () => ask(host, token)));
      expect(new Set(statuses)).toEqual(new Set([200]));
    }
    // Four workers and the main thread: at the beginning, and every two seconds, less a tenth.
    const periods = 1 + Math.ceil((Date.now() - began + 2000) / 1800);
    expect(provider.keyRequests).toBeGreaterThan(0);
    expect(provider.keyRequests).toBeLessThanOrEqual(5 * periods);
  });
});
