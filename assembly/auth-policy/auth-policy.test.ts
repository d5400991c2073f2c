import { startEmulator } from "@attache/harness";
import type { Host, HostOptions, RequestOptions, StartHost } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { beforeAll, describe, expect, it } from "vitest";
import { random } from "../../sdk/json/test-module.ts";
import { fuzzInputs, fuzzTimeout } from "../../test/fuzz-inputs.ts";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

const module = new URL("build/plugin.wasm", import.meta.url);

/** The filter, with what only a TLS connection has taken from headers of the test. */
let withPeer: Uint8Array;
beforeAll(async () => {
  withPeer = await compileFilter(`
import { ByteView, registerPlugin } from "@attache/sdk";
import { AuthPolicy } from "../../../../assembly/auth-policy/auth-policy";
import { Reading, RequestFacts } from "../../../../assembly/auth-policy/request-facts";
export * from "@attache/sdk/proxy";

class TestFacts extends RequestFacts {
  protected override readPrincipal(): ByteView | null { return this.headers.getBytes("x-test-principal"); }
  protected override readServerName(): ByteView | null { return this.headers.getBytes("x-test-sni"); }
  protected override readPort(): i32 {
    const port = this.headers.get("x-test-port");
    return port === null ? 8000 : <i32>parseInt(port);
  }
}
class TestPolicy extends AuthPolicy {
  protected override makeRequest(reading: Reading): RequestFacts { return new TestFacts(reading); }
}
registerPlugin(() => new TestPolicy());
`);
}, 120_000);

const SLEEP = "spiffe://cluster.local/ns/default/sa/sleep";

interface Call extends RequestOptions {
  path?: string;
  /** The peer's SPIFFE id; `null` for a peer without a certificate. */
  peer?: string | null;
  port?: number;
  sni?: string;
}

function proxy(configuration: unknown, wasm: Uint8Array | URL = withPeer): HostOptions {
  return {
    plugins: [{ name: "auth-policy", module: wasm, configuration }],
    clusters: { app: () => ({ body: "app" }) },
  };
}

/** Policies by their specs, named `p0`, `p1` … in the namespace `foo`. */
function policies(...specs: object[]): unknown {
  return { authorizationPolicies: specs.map((spec, index) => ({ name: `p${index}`, namespace: "foo", ...spec })) };
}

async function send(host: Host, call: Call = {}) {
  const { path = "/info?x=1", peer = SLEEP, port, sni, headers = {}, ...options } = call;
  const given = Array.isArray(headers) ? Object.fromEntries(headers as [string, string][]) : headers;
  return await host.fetch(path, {
    ...options,
    headers: {
      host: "httpbin.foo:8000",
      ...(peer === null ? {} : { "x-test-principal": peer }),
      ...(port === undefined ? {} : { "x-test-port": String(port) }),
      ...(sni === undefined ? {} : { "x-test-sni": sni }),
      ...given,
    },
  });
}

const status = async (host: Host, call?: Call) => (await send(host, call)).status;

const ALLOW_ALL = { rules: [{}] };
const to = (operation: object) => ({ rules: [{ to: [{ operation }] }] });
const from = (source: object) => ({ rules: [{ from: [{ source }] }] });
const when = (key: string, values: object) => ({ rules: [{ when: [{ key, ...values }] }] });
const deny = (policy: object) => ({ action: "DENY", ...policy });

/** Policies, requests that pass, and requests that are denied. */
type Row = [specs: object[], allowed: Call[], denied: Call[]];

const sleepMayGetInfo = {
  rules: [
    {
      from: [{ source: { principals: ["cluster.local/ns/default/sa/sleep"] } }],
      to: [{ operation: { methods: ["GET"], paths: ["/info*"] } }],
    },
  ],
};
const header = (name: string, ...values: string[]): Call => ({ headers: { [name]: values } });

const examples: Record<string, Row> = {
  "no policy": [[], [{}, { peer: null }], []],
  "ALLOW without rules": [[{}], [], [{}]],
  "ALLOW with the empty rule": [[ALLOW_ALL], [{}], []],
  "DENY before ALLOW": [[ALLOW_ALL, deny(ALLOW_ALL)], [], [{}]],
  "ALLOW in a dry run only": [[{ annotations: { "istio.io/dry-run": "true" } }], [{}], []],
  "a principal, a method and paths": [
    [sleepMayGetInfo],
    [{}, { path: "/info" }, { path: "/information" }],
    [{ method: "POST", path: "/info" }, { path: "/inf" }, { peer: null }, { peer: `${SLEEP}y` }],
  ],
  "any principal": [[from({ principals: ["*"] })], [{}], [{ peer: null }]],
  "not some principals": [
    [from({ notPrincipals: ["cluster.local/ns/x/*"] })],
    [{}, { peer: null }],
    [{ peer: "spiffe://cluster.local/ns/x/sa/a" }],
  ],
  "a namespace with a wildcard": [
    [from({ namespaces: ["def*"] })],
    [{}, { peer: "spiffe://td/ns/def/sa/a" }],
    [{ peer: "spiffe://td/ns/de/sa/a" }, { peer: null }, { peer: "spiffe://td/ns/def" }],
  ],
  "a service account": [
    [from({ serviceAccounts: ["default/sleep"] })],
    [{}, { peer: `${SLEEP}/x` }, { peer: "spiffe://td/ns/default/x/y/sa/sleep" }],
    [
      { peer: `${SLEEP}/` },
      { peer: `${SLEEP}x` },
      { peer: "spiffe:///ns/default/sa/sleep" },
      { peer: "spiffe://td/ns/other/sa/sleep" },
      { peer: null },
    ],
  ],
  "a service account, taken literally": [[from({ serviceAccounts: ["default/sle.p"] })], [], [{}]],
  "a service account of the policy's own namespace": [
    [from({ serviceAccounts: ["sleep"] })],
    [{ peer: "spiffe://td/ns/foo/sa/sleep" }],
    [{}],
  ],
  "DENY a host in another case": [[deny(to({ hosts: ["HTTPBIN.foo:8000"] }))], [header("host", "httpbin.foo")], [{}]],
  "DENY a host without its port": [[deny(to({ hosts: ["httpbin.foo"] }))], [{}], [header("host", "HttpBin.FOO")]],
  "DENY a path": [
    [deny(to({ paths: ["/info"] }))],
    [{ path: "/info/" }, { path: "//info" }, { path: "/info;a=b" }, { path: "/" }],
    [{ path: "/info?x=1" }, { path: "/%69nfo" }, { path: "/x/../info" }],
  ],
  "DENY when a header is one of its values": [
    [deny(when("request.headers[x-role]", { values: ["admin"] }))],
    [header("x-role", "user"), header("x-role", "administrator"), {}],
    [
      header("x-role", "admin"),
      header("x-role", "admin", "admin"),
      header("x-role", "a,admin"),
      header("x-role", "a , admin ,b"),
      header("x-role", "user", "admin"),
    ],
  ],
  "DENY unless a header has a value": [
    [deny(when("request.headers[X-Role]", { notValues: ["admin"] }))],
    [header("x-role", "admin")],
    [{}, header("x-role", "user"), header("x-role", "admin", "user"), header("x-role", "admin", "admin")],
  ],
  "ALLOW when a header has a value": [
    [when("request.headers[x-role]", { values: ["admin"] })],
    [header("x-role", "admin")],
    [{}, header("x-role", "admin", "admin"), header("x-role", "admin,admin"), header("x-role", "user", "admin")],
  ],
  "ALLOW when a header ends so": [
    [when("request.headers[x-role]", { values: ["*min"] })],
    [header("x-role", "admin"), header("x-role", "user,admin")],
    [header("x-role", "user", "admin")],
  ],
  "ALLOW when a header is there": [
    [when("request.headers[x-a]", { values: ["*"] })],
    [header("x-a", ""), header("x-a", "1")],
    [{}],
  ],
  "ALLOW unless a header has a value": [
    [when("request.headers[x-a]", { notValues: ["b"] })],
    [{}, header("x-a", "a")],
    [header("x-a", "b"), header("x-a", "a", "b"), header("x-a", "a,b")],
  ],
  "a port": [[to({ ports: ["8000"] })], [{}, { port: 8000 }], [{ port: 80 }, { port: 18000 }]],
  "not a port": [[to({ notPorts: ["8000"] })], [{ port: 80 }], [{}]],
};

const more: Record<string, Row> = {
  "ALLOW request principals without a token": [[from({ requestPrincipals: ["*"] })], [], [{}]],
  "ALLOW all but some request principals without a token": [[from({ notRequestPrincipals: ["a/b"] })], [], [{}]],
  "DENY all but some request principals without a token": [[deny(from({ notRequestPrincipals: ["*"] }))], [], [{}]],
  "ALLOW unless a claim has a value, without a token": [
    [when("request.auth.claims[group]", { notValues: ["a"] })],
    [],
    [{}],
  ],
  "trust domains": [
    [from({ trustDomains: ["cluster.local", "*.corp", "x*"] })],
    [{}, { peer: "spiffe://a.corp/ns/a/sa/b" }, { peer: "spiffe://xyz/a" }],
    [{ peer: "spiffe://cluster.locale/ns/a" }, { peer: "spiffe://a/b.corp/c" }, { peer: "spiffe://cluster.local" }],
  ],
  "principals by suffix and prefix": [
    [from({ principals: ["*/sa/sleep", "td/ns/*"] })],
    [{}, { peer: "spiffe://td/ns/x" }],
    [{ peer: "other://cluster.local/ns/default/sa/sleep" }, { peer: "spiffe://td2/ns/x" }, { peer: null }],
  ],
  "several sources, operations and conditions": [
    [
      {
        rules: [
          {
            from: [{ source: { namespaces: ["a"] } }, { source: { namespaces: ["b"] } }],
            to: [
              { operation: { methods: ["GET"], paths: ["/a"] } },
              { operation: { methods: ["POST"], paths: ["/b"] } },
            ],
            when: [{ key: "request.headers[x-i]", values: ["I"] }],
          },
        ],
      },
    ],
    [
      { peer: "spiffe://td/ns/b/sa/x", method: "POST", path: "/b", headers: { "x-i": "I" } },
      { peer: "spiffe://td/ns/a/sa/x", path: "/a", headers: { "x-i": "I" } },
    ],
    [
      { peer: "spiffe://td/ns/b/sa/x", path: "/b", headers: { "x-i": "I" } },
      { peer: "spiffe://td/ns/c/sa/x", path: "/a", headers: { "x-i": "I" } },
      { peer: "spiffe://td/ns/a/sa/x", path: "/a" },
    ],
  ],
  "values and notValues of one condition": [
    [when("request.headers[x-a]", { values: ["a*"], notValues: ["ab"] })],
    [header("x-a", "a"), header("x-a", "abc")],
    [header("x-a", "ab"), header("x-a", "b"), {}],
  ],
  "paths and notPaths of one operation": [
    [to({ paths: ["/a*"], notPaths: ["/ab"] })],
    [{ path: "/a" }, { path: "/abc" }],
    [{ path: "/ab" }, { path: "/%61b" }, { path: "/x/../ab" }, { path: "/b" }],
  ],
  "a method, with regard to case": [[to({ methods: ["G*"] })], [{}], [{ method: "POST" }]],
  "a host by suffix, prefix and presence": [
    [to({ hosts: ["*.Example.com", "HTTP*"] })],
    [{}, header("host", "A.EXAMPLE.COM")],
    [header("host", "example.com"), header("host", "a.example.com:80")],
  ],
  "an SNI": [
    [when("connection.sni", { values: ["*.example.com"] })],
    [{ sni: "www.example.com" }],
    [{}, { sni: "example.com" }],
  ],
  "the client's address": [
    [from({ remoteIpBlocks: ["10.0.0.0/8", "2001:db8::1"] })],
    [header("x-forwarded-for", "10.1.2.3"), header("x-forwarded-for", "2001:db8::1")],
    [{}, header("x-forwarded-for", "11.0.0.1"), header("x-forwarded-for", "2001:db8::2")],
  ],
  "a client's link-local address, whatever its zone": [
    [from({ remoteIpBlocks: ["fe80::/10"] })],
    [header("x-forwarded-for", "fe80::1%1"), header("x-forwarded-for", "fe80::1")],
    [{}, header("x-forwarded-for", "2001:db8::1%1")],
  ],
  // RFC 4291 §2.5.5.2: Envoy takes it for an address of IPv6 only, an upstream perhaps for one of IPv4.
  "an IPv4 address mapped into IPv6, allowed": [
    [from({ remoteIpBlocks: ["10.0.0.0/8"] })],
    [],
    [header("x-forwarded-for", "::ffff:10.1.2.3")],
  ],
  "an IPv4 address mapped into IPv6, denied": [
    [deny(from({ remoteIpBlocks: ["10.0.0.0/8"] }))],
    [header("x-forwarded-for", "::ffff:11.1.2.3")],
    [header("x-forwarded-for", "::ffff:10.1.2.3")],
  ],
  "an IPv4 address mapped into IPv6, in blocks of both": [
    [from({ remoteIpBlocks: ["10.0.0.0/8", "::/0"] }), deny(from({ notRemoteIpBlocks: ["::/0"] }))],
    [],
    [header("x-forwarded-for", "::ffff:10.1.2.3")],
  ],
  "all but some addresses": [
    [from({ notRemoteIpBlocks: ["10.0.0.0/8"] })],
    [{}, header("x-forwarded-for", "11.0.0.1")],
    [header("x-forwarded-for", "10.1.2.3")],
  ],
  "addresses in a condition": [
    [
      when("remote.ip", { values: ["127.0.0.0/8"], notValues: ["10.0.0.1"] }),
      when("destination.ip", { values: ["::1"] }),
    ],
    [{}],
    [header("x-forwarded-for", "10.0.0.1")],
  ],
  "the address the proxy listens on": [[when("destination.ip", { values: ["127.0.0.1"] })], [{}], []],
  "query parameters": [
    [when("request.query[v]", { values: ["1"] })],
    [{ path: "/?v=1" }, { path: "/?a&%76=%31" }, { path: "/?v=1&v=1" }],
    [{ path: "/" }, { path: "/?v=2" }, { path: "/?v=1&v=2" }, { path: "/?v" }],
  ],
  "DENY query parameters": [
    [deny(when("request.query[debug]", { values: ["*"] }))],
    [{ path: "/?x=debug" }],
    [{ path: "/?debug" }, { path: "/?a=1&debug=2" }],
  ],
  cookies: [
    [when("request.cookies[s]", { values: ["1"] })],
    [header("cookie", "a=2; s=1"), header("cookie", 's="1"')],
    [{}, header("cookie", "s=2"), header("cookie", "s=1; s=2"), header("cookie", "xs=1")],
  ],
  "the authority as a header": [
    [when("request.headers[Host]", { values: ["httpbin.foo:8000"] })],
    [{}],
    [header("host", "other")],
  ],
  "a list of many values": [
    [
      to({
        paths: Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? `/p${i}/*` : i % 4 === 1 ? `*/s${i}` : `/e${i}`)),
      }),
    ],
    [{ path: "/p4/x" }, { path: "/x/s5" }, { path: "/e6" }, { path: "/e7?x" }],
    [{ path: "/p5/x" }, { path: "/x/s4" }, { path: "/e4" }, { path: "/e66" }, { path: "/" }],
  ],
};

const vectors: Record<string, Row> = {
  "Istio's path vectors": [
    [to({ paths: ["/public*"] })],
    [{ path: "/public" }, { path: "/public/../public" }],
    [
      "/private",
      "/public/../private",
      "/public/./../private",
      "/public/.././private",
      "/public/%2E%2E/private",
      "/public/%2e%2e/private",
      "/public/%2E/%2E%2E/private",
      "/public/%2e%2e/%2e/private",
    ].map((path) => ({ path })),
  ],
  "Istio's URI templates": [
    [to({ paths: ["/allow/admin/{**}", "/foo/{*}/bar/{**}", "/store/{**}/cart"] })],
    [
      "/allow/admin/",
      "/allow/admin/temp",
      "/allow/admin/foo/temp.txt",
      "/foo/buzz/bar/bat.txt",
      "/foo/buzz/bar/bat/fuzz.txt",
      "/store//cart",
      "/store/foo/bar/cart",
      "/allow/admin/*",
    ].map((path) => ({ path })),
    ["/allow/admin", "/allow/admin?param=value", "/allow", "/foo/bar/bat.txt", "/foo//bar/bat.txt", "/store/cart"].map(
      (path) => ({ path }),
    ),
  ],
};

eachHost("auth-policy", (start: StartHost) => {
  describe("decides by", () => {
    it.each(Object.entries({ ...examples, ...more, ...vectors }))("%s", async (_, [specs, allowed, denied]) => {
      await using host = await start(proxy(policies(...specs)));
      for (const call of allowed) expect([call, await status(host, call)]).toEqual([call, 200]);
      for (const call of denied) expect([call, await status(host, call)]).toEqual([call, 403]);
    });
  });

  describe("reads paths", () => {
    const denyInfo = policies(deny(to({ paths: ["/info"] }))) as object;
    it.each<[string, object, string[], string[]]>([
      ["as received", { pathNormalization: "none" }, ["/x/../info", "/%69nfo"], ["/info"]],
      ["with slashes merged", { pathNormalization: "mergeSlashes" }, ["/info/"], ["//info", "///info"]],
      [
        "with slashes decoded",
        { pathNormalization: "decodeAndMergeSlashes" },
        ["/x/info"],
        ["/%2finfo", "/x%2f..%2Finfo", "/%5Cinfo"],
      ],
      ["without parameters", { ignorePathParameters: true }, ["/info/"], ["/info;a=b", "/x/..;y/info", "/info;"]],
    ])("%s", async (_, options, allowed, denied) => {
      await using host = await start(proxy({ ...denyInfo, options }));
      for (const path of allowed) expect([path, await status(host, { path })]).toEqual([path, 200]);
      for (const path of denied) expect([path, await status(host, { path })]).toEqual([path, 403]);
    });

    it("without parameters, to allow", async () => {
      const options = { ignorePathParameters: true };
      await using host = await start(proxy({ ...(policies(to({ paths: ["/info"] })) as object), options }));
      expect(await status(host, { path: "/info;a=b" })).toBe(200);
      expect(await status(host, { path: "/info;a=b/../x" })).toBe(403);
    });

    it("and rejects what normalisation changes, if asked to", async () => {
      await using host = await start(proxy({ options: { rejectOnDifference: true } }));
      expect(await status(host, { path: "/a/b?c/../d" })).toBe(200);
      expect(await status(host, { path: "/a/../b" })).toBe(400);
      expect(await status(host, { path: "/%61" })).toBe(400);
    });

    it("and rejects what has no normal form", async () => {
      await using host = await start(proxy(denyInfo));
      expect(await status(host, { path: "/a%00b" })).toBe(400);
    });
  });

  describe("answers", () => {
    it("in Istio's words, and tells which rule decided", async () => {
      await using host = await start({ ...proxy(policies(ALLOW_ALL, deny(to({ paths: ["/x"] })))), logLevel: "debug" });
      const response = await send(host, { path: "/x" });
      expect(response.status).toBe(403);
      expect(response.text()).toBe("RBAC: access denied");
      await host.waitForLog("auth-policy: denied by ns[foo]-policy[p1]-rule[0]");
      expect(await host.metric("auth_policy.denied")).toBe(1);
      expect(await status(host)).toBe(200);
      expect(await host.metric("auth_policy.allowed")).toBe(1);
      expect(host.requests("app")).toHaveLength(1);
    });

    it("gRPC clients in their form", async () => {
      await using host = await start(proxy(policies({})));
      const response = await send(host, {
        method: "POST",
        headers: { "content-type": "application/grpc", te: "trailers" },
      });
      expect([response.status, response.header("grpc-status")]).toEqual([200, "7"]);
      expect(response.header("grpc-message")).toBe("RBAC: access denied");
    });

    it("by the first rule that matches, in the order of the configuration", async () => {
      const rules = [
        { to: [{ operation: { paths: ["/b"] } }] },
        { when: [{ key: "request.headers[x-a]", notValues: ["1"] }] },
        { to: [{ operation: { paths: ["/a"], methods: ["GET"] } }] },
        { from: [{ source: { principals: ["*"] } }] },
      ];
      await using host = await start({ ...proxy(policies(deny({ rules }))), logLevel: "debug" });
      await send(host, { path: "/b" });
      await host.waitForLog("denied by ns[foo]-policy[p0]-rule[0]");
      await send(host, { path: "/a" });
      await host.waitForLog("denied by ns[foo]-policy[p0]-rule[1]");
      await send(host, { path: "/a", headers: { "x-a": "1" } });
      await host.waitForLog("denied by ns[foo]-policy[p0]-rule[2]");
      await send(host, { path: "/c", headers: { "x-a": "1" } });
      await host.waitForLog("denied by ns[foo]-policy[p0]-rule[3]");
    });

    it("audits without deciding", async () => {
      await using host = await start({ ...proxy(policies({ action: "AUDIT", ...ALLOW_ALL })), logLevel: "debug" });
      expect(await status(host)).toBe(200);
      await host.waitForLog("audited by ns[foo]-policy[p0]-rule[0]");
      expect(await host.metric("auth_policy.audited")).toBe(1);
    });

    it("counts what a dry run would deny", async () => {
      const annotations = { "istio.io/dry-run": "T" };
      const specs = [{ annotations, ...to({ paths: ["/a"] }) }, deny({ annotations, ...to({ paths: ["/b"] }) })];
      await using host = await start({ ...proxy(policies(...specs)), logLevel: "debug" });
      expect(await status(host, { path: "/a" })).toBe(200);
      expect(await host.metric("auth_policy.shadow_allowed")).toBe(2);
      expect(await status(host, { path: "/b" })).toBe(200);
      await host.waitForLog("dry_run_denied by ns[foo]-policy[p1]-rule[0]");
      await host.waitForLog("dry_run_denied by none");
      expect(await host.metric("auth_policy.shadow_denied")).toBe(2);
      expect(await host.metric("auth_policy.denied")).toBe(null);
    });
  });

  it.each(["1,t", "true,True", "yes", ""])("enforces a policy whose dry run is %j, and warns", async (value) => {
    const annotations = { "istio.io/dry-run": value };
    await using host = await start(proxy(policies(deny({ annotations, ...to({ paths: ["/info"] }) }))));
    expect(await status(host)).toBe(403);
    await host.waitForLog("is neither true nor false: the policy is enforced");
  });

  it.each<[object, string]>([
    [from({ principals: ["spiffe://cluster.local/ns/foo/sa/a"] }), "principals[0]: never matches: spiffe://"],
    [to({ hosts: ["https://shop.example"] }), "hosts[0]: never matches: a host has neither scheme nor path"],
    [to({ paths: ["info"] }), 'paths[0]: never matches: a path starts with "/"'],
    [when("request.headers[x a]", { values: ["b"] }), "key: is never there: x a is not a header name"],
  ])("warns of %j", async (policy, warning) => {
    await using host = await start(proxy(policies(policy)));
    await host.waitForLog(warning);
  });

  it("warns of a scope that it does not read", async () => {
    const key = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
    const jwtRules = [{ issuer: "i", jwks: JSON.stringify({ keys: [key] }) }];
    const requestAuthentication = [{ selector: { matchLabels: { app: "a" } }, jwtRules }];
    await using host = await start(proxy({ requestAuthentication }));
    await host.waitForLog("requestAuthentication[0].selector: is ignored");
  });

  describe("options", () => {
    it("requireMtls denies a peer without a certificate", async () => {
      await using host = await start(proxy({ options: { requireMtls: true } }, module));
      expect(await status(host)).toBe(403);
    });

    it("multiValue istio compares each line, and no elements", async () => {
      const config = policies(deny(when("request.headers[x-role]", { values: ["admin"] }))) as object;
      await using host = await start(proxy({ ...config, options: { multiValue: "istio" } }));
      expect(await status(host, header("x-role", "a,admin"))).toBe(200);
      expect(await status(host, header("x-role", "admin"))).toBe(403);
      const lines = [...Object.entries({ host: "httpbin.foo:8000" }), ["x-role", "a"], ["x-role", "admin"]];
      expect((await host.fetch("/", { headers: lines as [string, string][] })).status).toBe(403);
    });

    it("sourceIpFrom takes the client's address for the peer's", async () => {
      const config = policies(from({ ipBlocks: ["10.0.0.0/8"] })) as object;
      await using host = await start(proxy({ ...config, options: { sourceIpFrom: "remoteAddress" } }));
      expect(await status(host, header("x-forwarded-for", "10.0.0.1"))).toBe(200);
      expect(await status(host)).toBe(403);
    });
  });

  it("takes a resource as the cluster prints it", async () => {
    const resource = {
      apiVersion: "security.istio.io/v1",
      kind: "AuthorizationPolicy",
      metadata: { name: "a", namespace: "b", uid: "1", labels: { x: "y" }, annotations: { other: "z" } },
      spec: { selector: { matchLabels: { app: "x" } }, action: "DENY", rules: [{}] },
      status: { conditions: [] },
    };
    await using host = await start({ ...proxy({ authorizationPolicies: [resource] }), logLevel: "debug" });
    expect(await status(host)).toBe(403);
    await host.waitForLog("denied by ns[b]-policy[a]-rule[0]");
  });

  it("finds one rule among many, and none", async () => {
    const rules = Array.from({ length: 1_000 }, (_, i) => ({
      from: [{ source: { principals: [`cluster.local/ns/n${i}/sa/a`] } }],
      to: [{ operation: { methods: ["GET"], paths: [`/service/${i}/*`] } }],
    }));
    await using host = await start(proxy(policies({ rules })));
    const peer = "spiffe://cluster.local/ns/n777/sa/a";
    expect(await status(host, { path: "/service/777/x", peer })).toBe(200);
    expect(await status(host, { path: "/service/778/x", peer })).toBe(403);
    expect(await status(host, { path: "/x", peer })).toBe(403);
  });

  it("tells later filters which rule denied", async () => {
    const reader = await compileFilter(
      filterSource(
        `override onLog(): void {
          const rule = getProperty("auth_policy_denied_by");
          log.info("denied by " + (rule === null ? "nobody" : rule.toString()));
        }`,
      ).replace("registerPlugin(", 'import { getProperty } from "@attache/sdk";\nregisterPlugin('),
    );
    const { plugins, clusters } = proxy(policies({}, deny(to({ paths: ["/x"] }))));
    await using host = await start({ plugins: [{ module: reader }, ...plugins], clusters: clusters! });
    await send(host, { path: "/x" });
    await host.waitForLog("denied by ns[foo]-policy[p1]-rule[0]");
    await send(host, { path: "/y" });
    await host.waitForLog("denied by none");
  });

  describe("rejects a configuration", () => {
    const rejected = async (configuration: unknown) =>
      await start(proxy(configuration)).then(
        async (host) => {
          await host.stop();
          return "accepted";
        },
        (error: Error) => error.message,
      );

    it("with every problem and its path", async () => {
      const message = await rejected({
        authorizationPolicies: [
          { action: "DENY" },
          {
            rules: [
              { from: [], to: [{}] },
              {
                from: [{ source: {} }],
                to: [{ operation: { paths: ["", "/x/{*}.txt", "/{**}/a/{*}"], ports: ["70000"] } }],
              },
              {
                when: [{ values: ["a"] }, { key: "foo.bar", values: ["x"] }, { key: "request.headers", values: ["x"] }],
              },
            ],
          },
          { action: "DENY", provider: { name: "x" }, rules: [{ fro: [] }] },
        ],
        options: { pathNormalization: "BASE" },
      });
      for (const problem of [
        "authorizationPolicies[0]: DENY action without `rules` is meaningless as it will never be triggered, add an empty rule `{}` if you want it be triggered for every request",
        "authorizationPolicies[1].rules[0].from: `from` must not be empty, found at rule 0",
        "authorizationPolicies[1].rules[0].to[0]: `to.operation` must not be nil, found at rule 0",
        "authorizationPolicies[1].rules[1].from[0]: `from.source` must not be empty, found at rule 1",
        "authorizationPolicies[1].rules[1].to[0].operation.paths[0]: empty value not allowed, found in Paths",
        "authorizationPolicies[1].rules[1].to[0].operation.paths[1]: invalid or unsupported path /x/{*}.txt, found in Paths. Contains '{' or '}' beyond a supported path template",
        "authorizationPolicies[1].rules[1].to[0].operation.paths[2]: invalid or unsupported path /{**}/a/{*}, found in Paths. {**} is not the last operator",
        "authorizationPolicies[1].rules[1].to[0].operation.ports[0]: bad port (70000)",
        "authorizationPolicies[1].rules[2].when[0]: `key` must not be empty",
        "authorizationPolicies[1].rules[2].when[1].key: unknown attribute: foo.bar",
        "authorizationPolicies[1].rules[2].when[2].key: bad key (request.headers): should have format a[b]",
        "authorizationPolicies[2].provider: `provider` must not be with non CUSTOM action, found DENY",
        'authorizationPolicies[2].rules[0].fro: unknown field, did you mean "from"?',
        'options.pathNormalization: expected one of "none"',
      ]) {
        expect(message).toContain(problem);
      }
    });

    it.each<[object, string]>([
      [{ action: "allow" }, 'expected one of "ALLOW", "DENY", "AUDIT", "CUSTOM"'],
      [from({ ipBlocks: ["10.0.0.0/8"] }), "the proxy does not tell filters the address of the direct peer"],
      [when("source.ip", { values: ["10.0.0.0/8"] }), "the proxy does not tell filters the address of the direct peer"],
      [from({ remoteIpBlocks: ["1.2.3.4/33"] }), "bad CIDR range (1.2.3.4/33)"],
      [from({ remoteIpBlocks: ["::ffff:10.0.0.0/104"] }), "write the block as IPv4"],
      [from({ notIpBlocks: ["0:0:0:0:0:FFFF:a00:1"] }), "write the block as IPv4"],
      [from({ remoteIpBlocks: ["x"] }), "bad IP address (x)"],
      [
        from({ serviceAccounts: ["a/b"], namespaces: ["c"] }),
        "cannot set serviceAccounts with namespaces or principals",
      ],
      [from({ serviceAccounts: ["a/*"] }), "wildcard not allowed, found in ServiceAccounts"],
      [from({ notServiceAccounts: ["a/b/c"] }), 'must be "<name>" or "<namespace>/<name>"'],
      [from({ trustDomains: ["a*b*"] }), 'at most one wildcard is allowed, found in TrustDomains: "a*b*"'],
      [from({ trustDomains: ["a/b"] }), "trust domain must not contain '/'"],
      [from({ principals: [5] }), "principals[0]: expected a string, found the number 5"],
      [from({ principals: [] }), "`from.source` must not be empty"],
      [to({ paths: ["/a/{*}/{x}"] }), "Contains '{' or '}' beyond a supported path template"],
      [to({ paths: ["/a*/{*}"] }), "invalid or unsupported path /a*/{*}, found in Paths"],
      [to({ ports: ["80a"] }), "bad port (80a)"],
      [
        when("request.headers[a]", {}),
        "at least one of `values` or `notValues` must be set for key request.headers[a]",
      ],
      [when("destination.labels[a]", { values: ["a"] }), "destination.labels is replaced by the workload selector"],
      [when("experimental.envoy.filters.a[b]", { values: ["[x]"] }), "lists in metadata are not supported"],
      [{ rules: [null] }, "rules[0]: expected an object"],
      [{ kind: "VirtualService", spec: {} }, 'kind: must be "AuthorizationPolicy"'],
    ])("with the policy %j", async (policy, problem) => {
      expect(await rejected(policies(policy))).toContain(problem);
    });
  });
});

describe("auth-policy, counted in the emulator", () => {
  /** Host functions that the filter calls for one request, once it has seen another. */
  async function callsOf(configuration: unknown, wasm: Uint8Array | URL): Promise<string[]> {
    await using host = await startEmulator({ ...proxy(configuration, wasm), logLevel: "trace" });
    await status(host);
    const before = host.transcript.length;
    await status(host);
    return host.transcript
      .slice(before)
      .filter((line) => line.startsWith("[vm->host]"))
      .map((line) => /(?:env|wasi_snapshot_preview1)\.(\w+)/.exec(line)?.[1] ?? line);
  }

  it("asks the proxy once for the headers, and only for the attributes that a rule needs", async () => {
    expect(await callsOf(policies(to({ paths: ["/info"], methods: ["GET"] })), module)).toEqual([
      "proxy_get_header_map_pairs",
      "proxy_increment_metric",
    ]);
  });

  it("asks once for what several rules need", async () => {
    const rules = Array.from({ length: 50 }, (_, i) => ({
      from: [{ source: { principals: [`td/ns/n${i}/sa/a`, "td/ns/*"], notRemoteIpBlocks: ["10.0.0.0/8"] } }],
      to: [{ operation: { hosts: ["*"], notPaths: ["/x"] } }],
    }));
    expect(await callsOf(policies(deny({ rules })), module)).toEqual([
      "proxy_get_header_map_pairs",
      // A principal, and, as there is none, whether the peer has a certificate at all.
      "proxy_get_property",
      "proxy_get_property",
      "proxy_increment_metric",
    ]);
  });

  it("does not ask for the headers when no rule needs them", async () => {
    expect(await callsOf({}, module)).toEqual(["proxy_increment_metric"]);
  });
});

describe("auth-policy, with hostile requests in the emulator", () => {
  const everything = {
    requestAuthentication: [
      {
        jwtRules: [{ issuer: "a", jwks: '{"keys":[{"kty":"oct","k":"' + "A".repeat(88) + '"}]}', fromCookies: ["c"] }],
      },
      { jwtRules: [{ issuer: "b", jwks: '{"keys":[{"kty":"oct","k":"' + "B".repeat(88) + '"}]}' }] },
    ],
    authorizationPolicies: [
      deny(to({ paths: ["/secret*", "/a/{*}/b", "*.key"], notPaths: ["/*"] })),
      deny(when("request.headers[x-a]", { values: ["admin", "ro*", "*ot"] })),
      deny(when("request.headers[x-b]", { notValues: ["*"] })),
      deny(when("request.query[q]", { values: ["1"] })),
      deny(when("request.cookies[s]", { values: ["1"] })),
      deny(from({ remoteIpBlocks: ["10.0.0.0/8", "2001:db8::/32"] })),
      { ...to({ hosts: ["*"], methods: ["*"] }) },
      { ...from({ requestPrincipals: ["a/*"] }) },
    ],
    options: { ignorePathParameters: true, pathNormalization: "decodeAndMergeSlashes" },
  };

  it(
    "never traps",
    async () => {
      await using host = await startEmulator(proxy(everything));
      host.keepLatest();
      const next = random(7);
      const bytes = (most: number, from = 256) =>
        Array.from({ length: next(most) }, () => String.fromCharCode(next(from)))
          .join("")
          .replaceAll(/[\0\r\n]/g, ",");
      const piece = () =>
        ["/", "..", "%2e", "%2F", ";", "?", "#", ",", "secret", "%", "\\", "a", "\xff", "admin"][next(14)]!;
      const pieces = (most: number) => Array.from({ length: next(most) }, piece).join("");
      const seen = new Set<number>();
      for (let round = 0; round < fuzzInputs(3_000); round++) {
        const { status } = await host.fetch(`/${pieces(12)}`, {
          method: ["GET", "POST", "OPTIONS"][next(3)]!,
          headers: {
            host: bytes(20, 128).replaceAll(/[^!-~]/g, "x") || "h",
            "x-a": Array.from({ length: 1 + next(3) }, () => (next(2) ? pieces(6) : bytes(30))),
            "x-b": bytes(5),
            cookie: `s=${bytes(5)}${next(4) ? "" : `; c=${bytes(40)}`}`,
            authorization: next(3) ? bytes(20) : `Bearer ${bytes(60)}`,
            "x-forwarded-for": next(2) ? bytes(20, 128) : "10.0.0.1",
          },
        });
        seen.add(status);
      }
      expect([...seen].sort()).toEqual([200, 400, 401, 403].filter((status) => seen.has(status)));
      expect(seen.size).toBeGreaterThan(2);
      expect(host.logs.filter(({ level }) => level === "critical" || level === "error")).toEqual([]);
    },
    fuzzTimeout(60_000),
  );

  it("takes time in proportion to the elements of a header", async () => {
    await using host = await startEmulator(proxy(everything));
    const started = performance.now();
    for (let round = 0; round < 20; round++) {
      expect(await status(host, header("x-a", ",x".repeat(25_000), "a,".repeat(4_000)))).toBe(403);
      expect(await status(host, { path: `/${"%2e%2e/".repeat(2_000)}`, headers: { "x-b": "1" } })).toBe(200);
    }
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
