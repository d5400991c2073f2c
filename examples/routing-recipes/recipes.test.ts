import { readFileSync } from "node:fs";
import { eachHost } from "@attache/harness/vitest";
import { Emulator, type Cluster, type HostOptions, type Route } from "@attache/harness";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { expect, it } from "vitest";
import { stickyPlace } from "./sticky-hash.ts";

const module = new URL("../../assembly/header-routing/build/plugin.wasm", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

/** A proxy with the recipe, whose routes match on what the filter publishes. */
function proxy(recipe: string, clusters: Record<string, Cluster>, routes: readonly Route[]): HostOptions {
  return { plugins: [{ name: "header-routing", module, configuration: read(recipe) }], clusters, routes };
}
const answering = (...names: string[]) => Object.fromEntries(names.map((name) => [name, () => ({ body: name })]));
const bySubset = (...subsets: string[]): Route[] =>
  subsets.map((cluster) => ({
    match: { prefix: "/", headers: [{ name: "x-route-subset", exact: cluster }] },
    cluster,
  }));
const byClusterHeader: Route[] = [{ match: { prefix: "/" }, clusterHeader: "x-cluster" }];

/** How often `fraction` of `trials` may differ from its mean: five standard deviations. */
const fiveSigma = (trials: number, fraction: number) => 5 * Math.sqrt(trials * fraction * (1 - fraction));

eachHost("routing recipes", (start) => {
  it("canary-80-20.json sends four in five requests to v2", async () => {
    await using host = await start(proxy("canary-80-20.json", answering("v1", "v2"), bySubset("v1", "v2")));
    let v2 = 0;
    for (let request = 0; request < 500; request++) v2 += Number((await host.fetch("/")).text() === "v2");
    expect(Math.abs(v2 - 400)).toBeLessThanOrEqual(fiveSigma(500, 0.8));
  });

  it("retries.json has the proxy try again", async () => {
    let attempts = 0;
    const clusters: Record<string, Cluster> = { v1: () => ({ status: ++attempts < 4 ? 503 : 200, body: "at last" }) };
    await using host = await start(proxy("retries.json", clusters, bySubset("v1")));
    const response = host.fetch("/");
    // The proxy waits before each attempt.
    if (host instanceof Emulator) host.advance(1000);
    expect([(await response).text(), attempts]).toEqual(["at last", 4]);
  });

  it("sticky-ramp.json moves nobody back while it grows, and JavaScript can foretell where users are", async () => {
    const grown = JSON.parse(read("sticky-ramp.json").replace("80", "50").replace("20", "50")) as object;
    const options = proxy("sticky-ramp.json", answering("v1", "v2"), bySubset("v1", "v2"));
    await using host = await start(options);
    const users = Array.from({ length: 200 }, (_, index) => `user-${index}`);
    const onCanary = async () => {
      const found: string[] = [];
      for (const user of users)
        if ((await host.fetch("/", { headers: { "x-user": user } })).text() === "v2") found.push(user);
      return found;
    };
    const before = await onCanary();
    expect(before).toEqual(users.filter((user) => stickyPlace(user, "checkout", 100) >= 80));
    await host.update({ ...options, plugins: [{ ...options.plugins[0]!, configuration: grown }] });
    const after = await onCanary();
    expect(after).toEqual(users.filter((user) => stickyPlace(user, "checkout", 100) >= 50));
    expect(before.filter((user) => !after.includes(user))).toEqual([]);
  });

  it("claim.json routes by what auth-policy has verified, and by the client's address without a token", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "a", alg: "ES256" }] });
    const authentication = {
      name: "auth-policy",
      module: new URL("../../assembly/auth-policy/build/plugin.wasm", import.meta.url),
      configuration: { requestAuthentication: [{ jwtRules: [{ issuer: "issuer", jwks }] }] },
    };
    const { plugins, ...others } = proxy("claim.json", answering("v1", "v2"), bySubset("v1", "v2"));
    await using host = await start({ ...others, plugins: [authentication, ...plugins] });
    const ask = async (sub: string, groups: string[]) => {
      const claims = new SignJWT({ groups }).setIssuer("issuer").setSubject(sub);
      const token = await claims.setProtectedHeader({ alg: "ES256", kid: "a" }).sign(privateKey);
      return (await host.fetch("/", { headers: { authorization: `Bearer ${token}` } })).text();
    };
    const side = (key: string) => (stickyPlace(key, "checkout", 100) < 80 ? "v1" : "v2");
    expect(await ask("alice", ["staff", "testers"])).toBe("v2");
    for (const user of ["alice", "bob", "carol", "dave", "eve", "frank", "grace"]) {
      expect([user, await ask(user, ["staff"])]).toEqual([user, side(user)]);
    }
    const unsigned = { "x-claims": '{"groups":["testers"]}', groups: "testers" };
    expect((await host.fetch("/", { headers: unsigned })).text()).toBe(side("127.0.0.1"));
  });

  it("path-prefixes.json divides one host among services", async () => {
    await using host = await start(proxy("path-prefixes.json", answering("service1", "service2"), byClusterHeader));
    const ask = async (path: string, authority = "example.com") => {
      const response = await host.fetch(path, { headers: { host: authority } });
      return response.status === 200 ? response.text() : response.status;
    };
    expect(await ask("/service1/x")).toBe("service1");
    expect(await ask("/service2/y?z")).toBe("service2");
    expect(host.requests("service2")[0]!.path).toBe("/y?z");
    expect(await ask("/service10")).toBe(404);
    expect(await ask("/service1", "other.example")).toBe(404);
  });

  it("function.json sends orders to a function", async () => {
    await using host = await start(proxy("function.json", answering("functions", "app"), byClusterHeader));
    expect((await host.fetch("/orders", { method: "POST", body: "{}" })).text()).toBe("functions");
    const [call] = host.requests("functions");
    expect([call!.path, call!.authority, call!.header("x-invocation-type")]).toEqual([
      "/2015-03-31/functions/create-order/invocations",
      "functions.example.com",
      "RequestResponse",
    ]);
    expect((await host.fetch("/orders")).text()).toBe("app");
  });

  it("egress.json lets requests out to listed hosts only", async () => {
    await using host = await start(
      proxy("egress.json", answering("out"), [{ match: { prefix: "/" }, cluster: "out" }]),
    );
    const status = async (authority: string) => (await host.fetch("/", { headers: { host: authority } })).status;
    expect(await status("external-api.example.com:443")).toBe(200);
    expect(await status("reviews.prod.svc.cluster.local")).toBe(200);
    expect(await status("evil.example.com")).toBe(403);
  });
});
