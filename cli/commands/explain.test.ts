import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Dice } from "../../test/conformance/dice.ts";
import { randomClient, randomTable } from "../../test/differential/auth-policy/generator.ts";
import { resourceOf } from "../../test/differential/auth-policy/policy.ts";
import { Tokens } from "../../test/differential/auth-policy/tokens.ts";
import type { ExplainedPolicy, Explanation } from "../explain/explain.ts";
import { explain } from "../explain/explain.ts";
import { explainRequest, type ExplainOptions } from "./explain.ts";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
const module = fileURLToPath(new URL("../../assembly/auth-policy/build/plugin.wasm", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "attache-explain-"));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

async function write(name: string, content: unknown): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

async function explained(policies: unknown, request: object | string, options: ExplainOptions = {}) {
  const files = [await write("policies.yaml", policies), await write("request.yaml", request)] as const;
  return await explainRequest(...files, options);
}

/** The explanation for policies by their specs, named `p0`, `p1` … in the namespace `foo`. */
async function decide(specs: object[], request: object, rest: object = {}): Promise<Explanation> {
  const authorizationPolicies = specs.map((spec, index) => ({ name: `p${index}`, namespace: "foo", ...spec }));
  return (await explained({ authorizationPolicies, ...rest }, { path: "/info?x=1", ...request })).explanation;
}

const id = (policy: number, rule = 0) => `ns[foo]-policy[p${policy}]-rule[${rule}]`;
const ALLOW_ALL = { rules: [{}] };
const from = (source: object) => ({ rules: [{ from: [{ source }] }] });
const to = (operation: object) => ({ rules: [{ to: [{ operation }] }] });
const when = (key: string, values: object) => ({ rules: [{ when: [{ key, ...values }] }] });
const principal = "cluster.local/ns/default/sa/sleep";

describe("attache explain", () => {
  it("prints what the guide shows", async () => {
    const page = await readFile(new URL("../../docs/guide/explaining.md", import.meta.url), "utf8");
    for (const [, name, text] of page.matchAll(/```yaml\n# (\S+)\n([^]*?)```/g)) await write(name!, text!);
    const [, command, output] = /```console\n\$ attache (.*)\n([^]*?)```/.exec(page)!;
    const run = spawnSync(process.execPath, [main, ...command!.split(" ")], { cwd: folder, encoding: "utf8" });
    expect([run.stdout, run.stderr, run.status]).toEqual([output, "", 0]);
  });

  it("puts environment variables into policies", async () => {
    const policies = { authorizationPolicies: [{ name: "p0", namespace: "foo", ...to({ methods: ["${METHOD}"] }) }] };
    const { explanation } = await explained(policies, { path: "/" }, { env: ["METHOD=GET"] });
    expect(explanation).toMatchObject({ decision: "allowed", by: id(0) });
    await expect(explained(policies, { path: "/" })).rejects.toThrow("the environment variable METHOD is not set");
  });

  it.each<[string, object[], object, Explanation["decision"], string | null]>([
    ["no policy", [], {}, "allowed", null],
    ["an ALLOW rule", [ALLOW_ALL], {}, "allowed", id(0)],
    ["ALLOW without rules", [{}], {}, "denied", "none"],
    ["DENY first", [ALLOW_ALL, { action: "DENY", ...ALLOW_ALL }], {}, "denied", id(1)],
    ["the first of several", [from({ namespaces: ["x"] }), ALLOW_ALL], {}, "allowed", id(1)],
    ["AUDIT alone", [{ action: "AUDIT", ...ALLOW_ALL }], {}, "allowed", null],
    ["a dry run", [{ annotations: { "istio.io/dry-run": "true" } }], {}, "allowed", null],
    ["a principal", [from({ principals: [principal] })], { source: { principal } }, "allowed", id(0)],
    ["no certificate", [from({ principals: ["*"] })], {}, "denied", "none"],
    ["an address", [from({ remoteIpBlocks: ["10.0.0.0/8"] })], { source: { ip: "10.1.2.3" } }, "allowed", id(0)],
    [
      "a forwarded address",
      [from({ remoteIpBlocks: ["10.0.0.0/8"] })],
      { source: { ip: "10.1.2.3" }, headers: { "x-forwarded-for": "1.2.3.4" } },
      "denied",
      "none",
    ],
    [
      "a host",
      [to({ hosts: ["SHOP.example:81"] })],
      { path: undefined, url: "http://shop.example:81" },
      "allowed",
      id(0),
    ],
    ["a method", [to({ methods: ["PUT"] })], { method: "PUT", body: "x" }, "allowed", id(0)],
    ["a path, normalised", [{ action: "DENY", ...to({ paths: ["/info"] }) }], { path: "/%69nfo" }, "denied", id(0)],
    ["a port", [to({ ports: ["81"] })], { destination: { port: 81 } }, "allowed", id(0)],
    [
      "an address of the workload",
      [when("destination.ip", { values: ["10.0.0.1"] })],
      { destination: { ip: "10.0.0.1" } },
      "allowed",
      id(0),
    ],
    ["a server name", [when("connection.sni", { values: ["a.b"] })], { sni: "a.b" }, "allowed", id(0)],
    [
      "metadata",
      [when("experimental.envoy.filters.f[k]", { values: ["v"] })],
      { metadata: { "envoy.filters.f": { k: "v" } } },
      "allowed",
      id(0),
    ],
    [
      "lines of a header",
      [{ action: "DENY", ...when("request.headers[x-a]", { values: ["b"] }) }],
      { headers: { "X-A": ["a", "b"] } },
      "denied",
      id(0),
    ],
    [
      "a pseudo header",
      [when("request.headers[:authority]", { values: ["shop"] })],
      { headers: { host: "shop" } },
      "allowed",
      id(0),
    ],
    ["a query parameter", [when("request.query[x]", { values: ["1"] })], {}, "allowed", id(0)],
    [
      "a cookie",
      [when("request.cookies[c]", { values: ["1"] })],
      { headers: { cookie: "b=2; c=1" } },
      "allowed",
      id(0),
    ],
  ])("tells what decides: %s", async (_name, specs, request, decision, by) => {
    const explanation = await decide(specs, request);
    expect(explanation).toMatchObject({ decision, by });
    expect(explanation.policies.map(({ rules }) => rules.length)).toEqual(
      [...explanation.policies].map(({ name }) => (specs[Number(name.slice(1))] as { rules?: [] }).rules?.length ?? 0),
    );
    expect(explanation.response?.status ?? null).toBe(decision === "allowed" ? null : 403);
  });

  it("tells of each part whether it matches, and what the request has", async () => {
    const rule = {
      from: [{ source: { principals: ["a"], notNamespaces: ["default"] } }, { source: { remoteIpBlocks: ["::/0"] } }],
      to: [{ operation: { methods: ["GET"], notPaths: ["/info"] } }],
      when: [{ key: "request.headers[x-a]", values: ["1"], notValues: ["2"] }],
    };
    const { policies } = await decide([{ rules: [rule] }], { source: { principal }, headers: { "x-a": "1" } });
    const spiffe = [`spiffe://${principal}`];
    const part = (field: string, found: string[], matches: boolean) =>
      expect.objectContaining({ field, found, matches });
    expect(policies[0]!.rules[0]).toEqual({
      id: id(0),
      matches: false,
      from: [
        { matches: false, parts: [part("principals", spiffe, false), part("notNamespaces", spiffe, false)] },
        { matches: false, parts: [part("remoteIpBlocks", ["127.0.0.1"], false)] },
      ],
      to: [{ matches: false, parts: [part("methods", ["GET"], true), part("notPaths", ["/info"], false)] }],
      when: [part("request.headers[x-a]", ["1"], true), part("request.headers[x-a]", ["1"], true)],
    });
  });

  it("orders policies as they are asked", async () => {
    const { policies } = await decide(
      [
        ALLOW_ALL,
        { action: "DENY", ...from({ namespaces: ["x"] }) },
        { action: "AUDIT", ...ALLOW_ALL },
        custom("b"),
        custom("a"),
      ],
      { services: { a: true, b: true } },
      providers,
    );
    expect(policies.map(({ name }) => name)).toEqual(["p4", "p3", "p2", "p1", "p0"]);
  });

  it.each([
    ["a path without a normal form", { options: {} }, { path: "/..%2f%2e%2e/../.." }, null],
    ["a path that is not normalised", { options: { rejectOnDifference: true } }, { path: "/a/../b" }, "path"],
    ["a peer without a certificate", { options: { requireMtls: true } }, {}, "mtls_required"],
  ])("shows no tree of %s that is refused before", async (_name, rest, request, by) => {
    const { decision, by: told, policies } = await decide([to({ paths: ["/x"] })], request, rest);
    if (by !== null) expect([told, policies]).toEqual([by, []]);
    expect(decision).toBe("denied");
  });
});

const custom = (provider: string) => ({ action: "CUSTOM", provider: { name: provider }, ...ALLOW_ALL });
const providers = {
  extensionProviders: [
    { name: "a", envoyExtAuthzHttp: { service: "a.auth", port: 80, failOpen: true } },
    { name: "b", envoyExtAuthzGrpc: { cluster: "b" } },
  ],
};

describe("attache explain, of policies that ask services", () => {
  it.each<[string, object, string, string | null]>([
    ["agrees", { b: true }, "allowed", null],
    ["refuses", { b: false }, "denied", id(0)],
    ["is away", { b: "unavailable" }, "denied", id(0)],
    ["answers itself", { b: { allowed: false, http_status: 401, body: "who?" } }, "denied", id(0)],
  ])("a service %s", async (_name, services, decision, by) => {
    const explanation = await decide([custom("b")], { services }, providers);
    expect(explanation).toMatchObject({ decision, by, policies: [{ action: "CUSTOM", provider: "b", matches: true }] });
    if ("b" in services && typeof services.b === "object") {
      expect(explanation.response).toMatchObject({ status: 401, body: "who?" });
    }
  });

  it("a service that is away and may be", async () => {
    expect(await decide([custom("a")], { services: { a: "unavailable" } }, providers)).toMatchObject({
      decision: "allowed",
    });
  });

  it("asks the policies behind it about what it made of the request", async () => {
    const services = { b: { allowed: true, headers: { "x-user": "alice" } } };
    const explanation = await decide(
      [custom("b"), when("request.headers[x-user]", { values: ["alice"] })],
      { services },
      providers,
    );
    expect(explanation).toMatchObject({
      decision: "allowed",
      by: id(1),
      policies: [{ matches: true }, { matches: true }],
    });
    expect(explanation.upstream!.headers).toContainEqual(["x-user", "alice"]);
  });

  it("says that the request has to say what a service answers", async () => {
    await expect(decide([custom("b")], {}, providers)).rejects.toThrow(/^services\.b: is missing/);
  });
});

describe("attache explain, with tokens", () => {
  const jwtRule = { issuer: "https://issuer.example", jwksUri: "https://issuer.example/keys" };
  const policies = {
    requestAuthentication: [{ jwtRules: [{ ...jwtRule, outputClaimToHeaders: [{ header: "x-user", claim: "sub" }] }] }],
    authorizationPolicies: [{ name: "p0", namespace: "foo", ...from({ requestPrincipals: ["*"] }) }],
  };

  it("makes a token of claims", async () => {
    const { explanation } = await explained(policies, { path: "/", claims: { iss: jwtRule.issuer, sub: "alice" } });
    expect(explanation).toMatchObject({ decision: "allowed", claims: { sub: "alice" } });
    expect(explanation.upstream!.headers).toContainEqual(["x-user", "alice"]);
    expect(explanation.policies[0]!.rules[0]!.from[0]!.parts[0]!.found).toEqual(["https://issuer.example/alice"]);
  });

  it("shows claims whose texts have escapes", async () => {
    const claims = { iss: jwtRule.issuer, sub: 'a","groups":"admin', name: "two\nlines" };
    expect((await explained(policies, { path: "/", claims })).explanation.claims).toEqual(claims);
  });

  it.each([
    [{ fromHeaders: [{ name: "X-Token", prefix: "Token " }] }],
    [{ fromParams: ["token"] }],
    [{ fromCookies: ["session"] }],
  ])("puts it where the rule has %j", async (location) => {
    const given = { ...policies, requestAuthentication: [{ jwtRules: [{ ...jwtRule, ...location }] }] };
    const { explanation } = await explained(given, { path: "/?a=b", claims: { iss: jwtRule.issuer, sub: "alice" } });
    expect(explanation.decision).toBe("allowed");
  });

  it("refuses claims of an issuer that there is no rule for", async () => {
    await expect(explained(policies, { path: "/", claims: { iss: "x" } })).rejects.toThrow(
      'claims.iss: no RequestAuthentication has a rule for "x"',
    );
  });

  it("verifies a real token by the keys it is given, at the time of the request", async () => {
    const { publicKey, privateKey } = await generateKeyPair("ES256");
    const keys = await write("keys.json", { keys: [{ ...(await exportJWK(publicKey)), kid: "k" }] });
    const token = await new SignJWT({ iss: jwtRule.issuer, sub: "bob", exp: Date.UTC(2026, 0, 2) / 1000 })
      .setProtectedHeader({ alg: "ES256", kid: "k" })
      .sign(privateKey);
    const headers = { authorization: `Bearer ${token}` };
    const at = async (time: string, options: ExplainOptions) =>
      (await explained(policies, { path: "/", headers, time }, options)).explanation;
    const known = { keys: [`${jwtRule.issuer}=${keys}`] };
    expect(await at("2026-01-01T00:00:00Z", known)).toMatchObject({ decision: "allowed", claims: { sub: "bob" } });
    expect(await at("2026-01-03T00:00:00Z", known)).toMatchObject({
      decision: "denied",
      by: "Jwt is expired",
      policies: [],
    });
    const unknown = await at("2026-01-01T00:00:00Z", {});
    expect(unknown).toMatchObject({ by: "Jwks remote fetch is failed", response: { status: 401 } });
    expect(unknown.notes).toContainEqual(expect.stringContaining("--keys https://issuer.example=FILE"));
  });
});

describe("attache explain, of files", () => {
  it("reads lists and WasmPlugins, and tells what it leaves out", async () => {
    const policy = { kind: "AuthorizationPolicy", metadata: { name: "p0", namespace: "foo" }, spec: ALLOW_ALL };
    const files = [
      { kind: "List", items: [policy] },
      { kind: "WasmPlugin", spec: { pluginConfig: { authorization_policies: [{ name: "p1", ...ALLOW_ALL }] } } },
      { kind: "Service" },
    ];
    const { explanation } = await explained(files.map((file) => JSON.stringify(file)).join("\n---\n"), { path: "/" });
    expect(explanation.policies.map(({ name }) => name)).toEqual(["p0", "p1"]);
    expect(explanation.notes).toEqual([expect.stringMatching(/a Service is left out$/)]);
  });

  it("refuses what the filter refuses, by the names of resources", async () => {
    const policy = (spec: object) => ({ kind: "AuthorizationPolicy", metadata: { name: "p", namespace: "foo" }, spec });
    const wrong = [policy({ rules: [{ from: [] }], actoin: "DENY" }), policy({ action: "DENY" })];
    const error = explained(wrong.map((one) => JSON.stringify(one)).join("\n---\n"), { path: "/" });
    await expect(error).rejects.toThrow(/^AuthorizationPolicy foo\/p: spec\.actoin: unknown field/m);
    await expect(error).rejects.toThrow(
      /^AuthorizationPolicy foo\/p: spec\.rules\[0\]\.from: `from` must not be empty/m,
    );
    await expect(error).rejects.toThrow(/^AuthorizationPolicy foo\/p: spec: DENY action without `rules`/m);
  });

  it.each<[object | string, string[]]>([
    [{}, ["exactly one of url and path must be set"]],
    [{ path: "/", url: "http://a" }, ["exactly one of url and path must be set"]],
    [
      { path: "a", hedders: {} },
      ["path: must match pattern", "hedders: unknown field; there are method, url, path, headers"],
    ],
    [
      { path: "/", source: { ip: "x", name: "y" } },
      ['source.ip: must match format "ip"', "source.name: unknown field; there are ip, principal"],
    ],
    [{ path: "/", time: "yesterday" }, ["time: must match format"]],
    [{ path: "/a b", headers: { x: "a\r\ny: b" } }, ["path: must match pattern", "headers.x: must match pattern"]],
    [{ path: "/", headers: { a: 1 } }, ["headers.a: must be string"]],
    [{ path: "/", services: { a: "maybe" } }, ["services.a: must"]],
    ["a: [", ["request.yaml: "]],
    ["- a", ["must be object"]],
  ])("says all that is wrong with the request %j", async (request, problems) => {
    const error = explained({}, request);
    for (const problem of problems) await expect(error).rejects.toThrow(problem);
  });

  it("says what is no YAML, no policy and no module", async () => {
    await expect(explained("a: [", { path: "/" })).rejects.toThrow(/policies\.yaml: /);
    await expect(explained("[1]", { path: "/" })).rejects.toThrow("expected resources or a configuration");
    await expect(explained({}, { path: "/" }, { filter: "none.wasm" })).rejects.toThrow(
      "none.wasm: cannot be read: ENOENT",
    );
    await expect(explained({}, { path: "/" }, { keys: ["x"] })).rejects.toThrow("--keys x: write ISSUER=FILE");
  });
});

describe("the command attache explain", () => {
  const attache = (...args: string[]) => spawnSync(process.execPath, [main, "explain", ...args], { encoding: "utf8" });

  it("ends with 1 if it is not as expected, with 0 otherwise", async () => {
    const files = [await write("policies.json", {}), await write("request.json", { path: "/" })];
    expect(attache(...files, "--expect", "allowed", "--json")).toMatchObject({ status: 0, stderr: "" });
    const { status, stdout, stderr } = attache(...files, "--expect", "denied", "--json");
    expect([status, stderr]).toEqual([1, "attache: the request is allowed, not denied\n"]);
    expect(JSON.parse(stdout)).toMatchObject({ decision: "allowed", by: null });
    expect(attache(...files, "--expect", "perhaps").status).toBe(2);
  });
});

describe("the tree", () => {
  it("says the same as the filter's decision, of random policies and requests", async () => {
    const dice = new Dice(7);
    const wasm = await readFile(module);
    const tokens = await Tokens.make(dice.fork());
    const decisions = new Set<string>();
    for (let round = 0; round < 40; round++) {
      const table = randomTable(dice, 8080, dice.chance(0.3) ? tokens.randomRules(dice) : []);
      const configuration = {
        requestAuthentication: table.jwtRules.length > 0 ? [{ jwtRules: table.jwtRules }] : [],
        authorizationPolicies: table.policies.map(resourceOf),
        extensionProviders: [],
        options: {
          multiValue: table.multiValue,
          pathNormalization: table.pathNormalization,
          ...(table.usesPeerAddress ? { sourceIpFrom: "remoteAddress" } : {}),
        },
      };
      for (const { method, target, headers } of randomClient(dice, table, 3, (request) => tokens.addTo(request, dice))
        .requests) {
        const host = headers.find(([name]) => name.toLowerCase() === "host")?.[1] ?? "x";
        const others = headers.filter(([name]) => name.toLowerCase() !== "host" && !name.startsWith(":"));
        const { decision, by, policies } = await explain(wasm, configuration, {
          method,
          path: target,
          headers: [["host", host], ...others.map(([name, value]): [string, string] => [name.toLowerCase(), value])],
          isHttps: false,
          body: null,
          sourceIp: "127.0.0.1",
          principal: dice.chance(0.5) ? `spiffe://${principal}` : null,
          destinationIp: "127.0.0.1",
          destinationPort: 8080,
          serverName: null,
          metadata: {},
          time: Date.now(),
          claims: null,
          services: {},
        });
        if (policies.length === 0) continue;
        expect([decision, by]).toEqual(decisionOf(policies));
        decisions.add(by === "none" ? "none" : decision);
      }
    }
    expect([...decisions].sort()).toEqual(["allowed", "denied", "none"]);
  });
});

/** What the ticks of a tree amount to. */
function decisionOf(policies: readonly ExplainedPolicy[]): [Explanation["decision"], string | null] {
  const enforced = policies.filter(({ isDryRun }) => !isDryRun);
  const first = (action: string) =>
    enforced
      .filter((policy) => policy.action === action)
      .flatMap(({ rules }) => rules)
      .find(({ matches }) => matches)?.id;
  const denied = first("DENY");
  if (denied !== undefined) return ["denied", denied];
  if (!enforced.some(({ action }) => action === "ALLOW")) return ["allowed", null];
  const allowed = first("ALLOW");
  return allowed === undefined ? ["denied", "none"] : ["allowed", allowed];
}
