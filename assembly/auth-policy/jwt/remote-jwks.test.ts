import { generateKeyPairSync } from "node:crypto";
import {
  Emulator,
  startEmulator,
  type Cluster,
  type Host,
  type HostOptions,
  type RequestOptions,
  type UpstreamRequest,
  type UpstreamResponse,
} from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { exportJWK, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { leave } from "../leaving-client.ts";

const module = new URL("../build/plugin.wasm", import.meta.url);

const ISSUER = "http://idp.example:8080/realm";
const URI = "http://idp.example:8080/keys?v=1";
const PASSED: [number, string] = [200, "app"];
const NOT_FETCHED: [number, string] = [401, "Jwks remote fetch is failed"];
const NO_KEY: [number, string] = [401, "Jwks doesn't have key to match kid or alg from Jwt"];

const pairs = { k1: generateKeyPairSync("ed25519"), k2: generateKeyPairSync("ed25519") };
type KeyName = keyof typeof pairs;

const keySet = async (...names: KeyName[]) =>
  JSON.stringify({
    keys: await Promise.all(names.map(async (kid) => ({ ...(await exportJWK(pairs[kid].publicKey)), kid }))),
  });
const [first, second, both] = await Promise.all([keySet("k1"), keySet("k2"), keySet("k1", "k2")]);

const signed = async (kid: KeyName, namedKid: string = kid, issuer = ISSUER): Promise<RequestOptions> => {
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: "EdDSA", kid: namedKid })
    .setIssuer(issuer)
    .setSubject("ann")
    .sign(pairs[kid].privateKey);
  return { headers: { authorization: `Bearer ${token}` } };
};

const remote = (more: object = {}) => ({ issuer: ISSUER, jwksUri: URI, cluster: "idp", timeout: "500ms", ...more });

function proxy(idp: Cluster, jwtRule: object = remote(), options: object = {}): HostOptions {
  const configuration = {
    requestAuthentication: [{ jwtRules: [jwtRule] }],
    authorizationPolicies: [{ rules: [{ from: [{ source: { requestPrincipals: ["*"] } }] }] }],
    options,
  };
  return {
    plugins: [{ name: "auth-policy", module, configuration }],
    clusters: { app: () => ({ body: "app" }), idp },
    routes: [{ match: { prefix: "/" }, cluster: "app" }],
  };
}

/** Virtual time goes on while the request waits. */
async function ask(host: Host, options?: RequestOptions, ms = 1000): Promise<[number, string]> {
  const fetched = host.fetch("/", options);
  if (host instanceof Emulator) host.advance(ms);
  const response = await fetched;
  return [response.status, response.text()];
}

/** Asks until the answer is `expected`; a second of virtual time passes with each. */
const askUntil = async (host: Host, options: RequestOptions, expected: [number, string]) =>
  await expect.poll(() => ask(host, options), { timeout: 8000, interval: 50 }).toEqual(expected);

eachHost("auth-policy, fetched keys", (start) => {
  const answering = (body: string) => () => ({ body });

  it("verifies tokens by them, and asks for them as the URI says", async () => {
    await using host = await start(proxy(answering(both)));
    expect(await ask(host, await signed("k1"))).toEqual(PASSED);
    expect(await ask(host, await signed("k2"))).toEqual(PASSED);
    expect(await ask(host, await signed("k1", "k2"))).toEqual([401, "Jwt verification fails"]);
    expect(await ask(host)).toEqual([403, "RBAC: access denied"]);
    const [asked] = host.requests("idp");
    expect([asked!.method, asked!.path, asked!.authority]).toEqual(["GET", "/keys?v=1", "idp.example:8080"]);
    expect(await host.metric("auth_policy.jwks_fetched")).toBeGreaterThan(0);
    expect(await host.metric("auth_policy.jwks_fetch_failed")).toBe(null);
  });

  it("holds requests that come before the first keys, bodies too, and lets others pass", async () => {
    await using host = await start(proxy(() => ({ body: both, delayMs: 300 })));
    const body = { method: "POST", body: ["a", "b"] };
    const fetches = [await signed("k1"), { ...(await signed("k2")), ...body }, {}, await signed("k1", "k2")].map(
      (options) => host.fetch("/", options),
    );
    if (host instanceof Emulator) host.advance(1000);
    const responses = await Promise.all(fetches);
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 403, 401]);
    expect(host.requests("app").map((request) => request.text())).toContain("ab");
  });

  it("has them fetched again for a key that it does not know, and not too often", async () => {
    let served = first;
    await using host = await start(proxy(() => ({ body: served }), remote(), { jwksRefetch: "2s" }));
    expect(await ask(host, await signed("k1"), 1)).toEqual(PASSED);
    served = second;
    const before = host.requests("idp").length;
    for (let request = 0; request < 20; request++) {
      expect(await ask(host, await signed("k2"), 1)).toEqual(NO_KEY);
    }
    expect(host.requests("idp").length).toBe(before);
    await askUntil(host, await signed("k2"), PASSED);
    // What the old key had verified is forgotten.
    expect(await ask(host, await signed("k1"), 1)).toEqual(NO_KEY);
  });

  it("does not have them fetched for a token that names no key, or one of another issuer", async () => {
    await using host = await start(proxy(answering(first), remote(), { jwksRefetch: "1s" }));
    expect(await ask(host, await signed("k1"))).toEqual(PASSED);
    const before = host.requests("idp").length;
    for (let second = 0; second < 3; second++) {
      expect((await ask(host, await signed("k2", "")))[0]).toBe(401);
      expect((await ask(host, await signed("k2", "k2", "http://elsewhere")))[0]).toBe(401);
    }
    expect(host.requests("idp").length).toBe(before);
  });

  it("refreshes them before anyone asks", async () => {
    let served = first;
    await using host = await start(proxy(() => ({ body: served }), remote(), { jwksRefresh: "1s", jwksRefetch: "1h" }));
    expect(await ask(host, await signed("k1"), 1)).toEqual(PASSED);
    served = second;
    await askUntil(host, await signed("k2"), PASSED);
    await askUntil(host, await signed("k1"), NO_KEY);
  });

  const failures: [string, (request: UpstreamRequest) => UpstreamResponse, string][] = [
    ["fails", () => ({ status: 500, body: both }), "status 500"],
    ["redirects", () => ({ status: 302, headers: { location: "/elsewhere" }, body: both }), "status 302"],
    ["is slow", () => ({ body: both, delayMs: 5000 }), "no answer in time"],
    ["breaks off", () => ({ reset: true }), "the connection failed"],
    ["sends too much", () => ({ body: " ".repeat(65_536) + both }), "more than 65536 bytes"],
    ["sends no JSON", () => ({ body: "<html>" }), "jwks parse error: line 1"],
    ["sends no key set", () => ({ body: "{}" }), "Jwks does not have [keys] field"],
    ["sends no keys", () => ({ body: '{"keys":[]}' }), "Jwks doesn't have any valid public key"],
    ["sends nothing", () => ({}), "jwks parse error"],
    [
      "publishes a secret",
      () => ({ body: JSON.stringify({ keys: [{ kty: "oct", k: "A".repeat(86), kid: "k1" }] }) }),
      "Jwks doesn't have any valid public key",
    ],
  ];

  describe("lets nobody in when the endpoint", () => {
    it.each(failures)("%s, and says so", async (_, answer, problem) => {
      await using host = await start(proxy(answer));
      expect(await ask(host, await signed("k1"))).toEqual(NOT_FETCHED);
      await host.waitForLog(`auth-policy: ${ISSUER}: cannot fetch keys: ${problem}`);
      expect(host.requests("app")).toEqual([]);
      expect(await ask(host)).toEqual([403, "RBAC: access denied"]);
    });

    it("has no host", async () => {
      await using host = await start(proxy({ hosts: [] }));
      expect(await ask(host, await signed("k1"))).toEqual(NOT_FETCHED);
      await host.waitForLog("cannot fetch keys: the proxy cannot send the request");
    });

    it("is in no cluster", async () => {
      await using host = await start(proxy(answering(both), remote({ cluster: undefined })));
      expect(await ask(host, await signed("k1"))).toEqual(NOT_FETCHED);
      await host.waitForLog('cannot fetch keys: the proxy has no cluster "outbound|8080||idp.example"');
    });
  });

  it.each(failures)("keeps the keys it has when the endpoint later %s", async (_, answer, problem) => {
    let current: (request: UpstreamRequest) => UpstreamResponse = answering(first);
    await using host = await start(
      proxy((request) => current(request), remote({ timeout: "100ms" }), { jwksRefresh: "1s", jwksRefetch: "1s" }),
    );
    expect(await ask(host, await signed("k1"), 1)).toEqual(PASSED);
    current = answer;
    if (host instanceof Emulator) host.advance(3000);
    await host.waitForLog(problem);
    expect(await ask(host, await signed("k1"))).toEqual(PASSED);
    expect(await ask(host, await signed("k2"))).toEqual(NO_KEY);
  });

  it("comes back when the endpoint does", async () => {
    let isDown = true;
    await using host = await start(proxy(() => (isDown ? { status: 503 } : { body: both })));
    expect(await ask(host, await signed("k1"))).toEqual(NOT_FETCHED);
    isDown = false;
    await askUntil(host, await signed("k1"), PASSED);
  });

  it("leaves out keys that it cannot use, and secrets", async () => {
    const secret = { kty: "oct", k: Buffer.alloc(32).toString("base64url"), kid: "s" };
    const keys = [{ kty: "OKP", crv: "X25519", x: "AA" }, secret, ...JSON.parse(first).keys];
    await using host = await start(proxy(answering(JSON.stringify({ keys }))));
    expect(await ask(host, await signed("k1"))).toEqual(PASSED);
    const forged = await new SignJWT({})
      .setProtectedHeader({ alg: "HS256", kid: "s" })
      .setIssuer(ISSUER)
      .sign(Buffer.alloc(32));
    expect((await ask(host, { headers: { authorization: `Bearer ${forged}` } }))[0]).toBe(401);
    await host.waitForLog("jwks key at index 0 is left out");
    await host.waitForLog("jwks key at index 1 is left out: a secret that is published is none");
  });

  it("fetches a key that a token names also when some keys have no names", async () => {
    const nameless = JSON.parse(first) as { keys: { kid?: string }[] };
    delete nameless.keys[0]!.kid;
    let current = JSON.stringify(nameless);
    await using host = await start(proxy(() => ({ body: current }), remote(), { jwksRefetch: "1s" }));
    expect(await ask(host, await signed("k1"))).toEqual(PASSED);
    current = JSON.stringify({ keys: [...nameless.keys, ...JSON.parse(second).keys] });
    await askUntil(host, await signed("k2"), PASSED);
    expect(await ask(host, await signed("k1"))).toEqual(PASSED);
  });

  it("forgets clients that leave while they wait", async () => {
    await using host = await start(proxy(() => ({ body: both, delayMs: 300 })));
    await leave(host, (await signed("k1")).headers as Record<string, string>);
    expect(await ask(host, await signed("k2"))).toEqual(PASSED);
    expect(host.requests("app")).toHaveLength(1);
    expect(await ask(host, await signed("k1"))).toEqual(PASSED);
  });

  describe("found by the issuer's OpenID configuration,", () => {
    const discovered = remote({ jwksUri: undefined });
    const CONFIGURATION = "/realm/.well-known/openid-configuration";
    const document = (more: object = {}) =>
      JSON.stringify({ issuer: ISSUER, jwks_uri: "http://idp.example:8080/realm/certs", ...more });

    it("verify tokens", async () => {
      await using host = await start(
        proxy(({ path }) => ({ body: path === CONFIGURATION ? document() : both }), discovered),
      );
      expect(await ask(host, await signed("k1"))).toEqual(PASSED);
      expect(new Set(host.requests("idp").map(({ path }) => path))).toEqual(new Set([CONFIGURATION, "/realm/certs"]));
    });

    it.each([
      ["of another issuer", document({ issuer: "http://evil.example" })],
      ["of an issuer with a slash more", document({ issuer: `${ISSUER}/` })],
      ["without keys", document({ jwks_uri: undefined })],
      ["with keys elsewhere", document({ jwks_uri: "http://internal.example/keys" })],
      ["with keys at a name that begins alike", document({ jwks_uri: "http://idp.example:80801/keys" })],
      ["with keys behind a user", document({ jwks_uri: "http://idp.example:8080@internal.example/keys" })],
      ["with a scheme less safe", document({ jwks_uri: "ftp://idp.example:8080/keys" })],
      ["that is no JSON", "x"],
    ])("do not when it is one %s", async (_, configuration) => {
      await using host = await start(
        proxy(({ path }) => ({ body: path === CONFIGURATION ? configuration : both }), discovered),
      );
      expect(await ask(host, await signed("k1"))).toEqual(NOT_FETCHED);
      expect(new Set(host.requests("idp").map(({ path }) => path))).toEqual(new Set([CONFIGURATION]));
    });

    it("do not when both together take too long", async () => {
      await using host = await start(
        proxy(({ path }) => ({ body: path === CONFIGURATION ? document() : both, delayMs: 300 }), discovered),
      );
      expect(await ask(host, await signed("k1"))).toEqual(NOT_FETCHED);
    });
  });

  it.each<[object, string]>([
    [{ jwksUri: "keys" }, "jwtRules[0].jwksUri: must be an http or https URL, without a fragment"],
    [{ jwksUri: "" }, "jwtRules[0].jwksUri: must be an http or https URL, without a fragment"],
    [{ jwksUri: "ftp://a/b" }, "jwksUri: must be an http or https URL"],
    [{ jwksUri: "https://a/b#c" }, "jwksUri: must be an http or https URL"],
    [{ jwksUri: "https://user@a/b" }, "jwksUri: must be an http or https URL"],
    [{ jwksUri: "https://a/\r\nb" }, "jwksUri: must be an http or https URL"],
    [{ jwksUri: URI, jwks: first }, "only one of jwks or jwksUri can be set"],
    [{ jwksUri: undefined, issuer: "accounts" }, "keys are found only by an issuer that is an http or https URL"],
    [{ jwksUri: undefined, issuer: "https://a/?b" }, "keys are found only by an issuer that is an http or https URL"],
    [{ timeout: "0s" }, "timeout: expected a duration from 1ms"],
    [{ timeout: "2m" }, "timeout: expected a duration from 1ms to 60s"],
  ])("rejects a rule with %j", async (more, problem) => {
    await expect(start(proxy(answering(both), remote(more)))).rejects.toThrow(problem);
  });
});

// A connection of a replaced listener is closed by the tests' Envoy before the keys come.
describe("auth-policy, fetched keys, in the emulator alone", () => {
  const slow = () => ({ body: both, delayMs: 400 });

  it("holds 1,024 requests for one key set, and refuses more", async () => {
    await using host = await startEmulator(proxy(slow));
    const options = await signed("k1");
    const fetches = Array.from({ length: 1025 }, () => host.fetch("/", options));
    expect([(await fetches[1024]!).status, host.requests("app").length]).toEqual([401, 0]);
    host.advance(1000);
    const statuses = new Set((await Promise.all(fetches.slice(0, 1024))).map(({ status }) => status));
    expect([...statuses]).toEqual([200]);
  });

  it("goes on with 64 of them at a time", async () => {
    await using host = await startEmulator(proxy(slow));
    const options = await signed("k1");
    const fetches = Array.from({ length: 200 }, () => host.fetch("/", options));
    const passed: number[] = [];
    for (let ms = 0; ms < 500; ms++) {
      host.advance(1);
      const count = host.requests("app").length;
      if (count !== (passed.at(-1) ?? 0)) passed.push(count);
    }
    expect(passed).toEqual([64, 128, 192, 200]);
    expect(new Set((await Promise.all(fetches)).map(({ status }) => status))).toEqual(new Set([200]));
  });

  it("goes on with requests that wait while the configuration is replaced", async () => {
    await using host = await startEmulator(proxy(slow));
    const waiting = host.fetch("/", await signed("k1"));
    await host.update(proxy(slow, remote({ audiences: ["nobody"] })));
    host.advance(1000);
    expect((await waiting).status).toBe(200);
    expect((await ask(host, await signed("k1")))[0]).toBe(403);
  });
});
