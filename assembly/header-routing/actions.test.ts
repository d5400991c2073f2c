import { eachHost } from "@attache/harness/vitest";
import { Emulator, type Host, type HostOptions, type RequestOptions } from "@attache/harness";
import { describe, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

const module = new URL("build/plugin.wasm", import.meta.url);
const destination = [{ destination: { host: "app" } }];

function proxy(configuration: unknown): HostOptions {
  return { plugins: [{ name: "header-routing", module, configuration }], clusters: { app: () => ({ body: "app" }) } };
}
const onRoute = (fields: object): HostOptions => proxy({ http: [{ route: destination, ...fields }] });
const to = (subset: string, match: unknown) => ({ match: [match], route: [{ destination: { host: "app", subset } }] });
const chosen = async (host: Host, path: string, options?: RequestOptions) => {
  await host.fetch(path, options);
  return host.requests("app").at(-1)!.header("x-route-subset");
};

eachHost("header-routing", (start) => {
  describe("matches", () => {
    it("a cookie, whichever line it is in", async () => {
      await using host = await start(proxy({ http: [to("yes", { cookies: { user: { prefix: "vip-" } } })] }));
      expect(await chosen(host, "/", { headers: { cookie: "a=1; user=vip-7" } })).toBe("yes");
      expect(
        await chosen(host, "/", {
          headers: [
            ["cookie", "a=1"],
            ["cookie", 'user="vip-7"'],
          ],
        }),
      ).toBe("yes");
      expect(await chosen(host, "/", { headers: { cookie: "user=x; user=vip-7" } })).toBeNull();
      expect(await chosen(host, "/")).toBeNull();
    });

    it("a prefix of whole path segments", async () => {
      await using host = await start(proxy({ http: [to("yes", { uri: { pathSeparatedPrefix: "/api" } })] }));
      for (const path of ["/api", "/api/", "/api/x", "/api?x"]) expect(await chosen(host, path)).toBe("yes");
      for (const path of ["/apiary", "/ap", "/x/api"]) expect(await chosen(host, path)).toBeNull();
    });

    it("the port that the client connected to", async () => {
      await using host = await start(proxy({ http: [to("one", { port: 1 }), to("other", {})] }));
      expect(await chosen(host, "/")).toBe("other");
    });

    it("a claim of a verified token, text or list, by dots or brackets", async () => {
      const verifying = await compileFilter(
        filterSource(`override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
          const claims = headers.getBytes("x-claims");
          if (claims !== null) setPropertyBytes("jwt_payload", claims);
          return FilterHeaders.Continue;
        }`).replace("xxHash64,", "xxHash64, setPropertyBytes,"),
      );
      const { plugins, clusters } = proxy({
        http: [
          to("staff", { headers: { "@request.auth.claims.groups": { exact: "staff" } } }),
          to("nested", { headers: { "@request.auth.claims[a][b]": { prefix: "x" } } }),
          to("rest", { withoutHeaders: { "@request.auth.claims.sub": { exact: "eve" } } }),
        ],
      });
      await using host = await start({ plugins: [{ module: verifying }, ...plugins], clusters: clusters! });
      const withClaims = (claims: unknown) => chosen(host, "/", { headers: { "x-claims": JSON.stringify(claims) } });
      expect(await withClaims({ groups: ["guest", "staff"] })).toBe("staff");
      expect(await withClaims({ groups: "staff" })).toBe("staff");
      expect(await withClaims({ groups: ["staffer"], a: { b: "xy" } })).toBe("nested");
      expect(await withClaims({ sub: "eve" })).toBeNull();
      expect(await chosen(host, "/")).toBe("rest");
    });

    it("hosts of the resource, without port, in any case", async () => {
      const resource = {
        apiVersion: "networking.istio.io/v1",
        kind: "VirtualService",
        metadata: { name: "shop", namespace: "prod", labels: { a: "b" }, generation: 3 },
        spec: { hosts: ["shop", "*.Example.com"], gateways: ["mesh"], exportTo: ["."], http: [to("yes", {})] },
        options: { unmatched: 404 },
      };
      await using host = await start(proxy(resource));
      for (const authority of [
        "shop",
        "SHOP:8080",
        "shop.prod.svc.cluster.local",
        "a.example.com",
        "a.b.EXAMPLE.com:1",
      ])
        expect(await chosen(host, "/", { headers: { host: authority } })).toBe("yes");
      for (const authority of ["shop.dev", "example.com", "xexample.com"])
        expect((await host.fetch("/", { headers: { host: authority } })).status).toBe(404);
    });
  });

  describe("rewrites", () => {
    it.each([
      [{ uri: { prefix: "/api" } }, { uri: "/v2" }, "/api/x?y=1", "/v2/x?y=1"],
      [{ uri: { prefix: "/Api" }, ignoreUriCase: true }, { uri: "/v2" }, "/aPI/x", "/v2/x"],
      [{ uri: { exact: "/api" } }, { uri: "/v2" }, "/api?y=1", "/v2?y=1"],
      [{ uri: { regex: "/a.*" } }, { uri: "/v2" }, "/api/x?y=1", "/v2?y=1"],
      [{}, { uri: "/v2" }, "/x", "/v2x"],
      [{}, { uriRegexRewrite: { match: "^/a/([^/]+)/(.*)$", rewrite: "/\\2/\\1" } }, "/a/b/c?q=/a/b", "/c/b?q=/a/b"],
      [{}, { uriRegexRewrite: { match: "x", rewrite: "y" } }, "/axxa?x", "/ayya?x"],
    ])("the path of %j by %j: %s to %s", async (match, rewrite, path, expected) => {
      await using host = await start(onRoute({ match: [match], rewrite }));
      await host.fetch(path);
      const [request] = host.requests("app");
      expect([request!.path, request!.header("x-envoy-original-path")]).toEqual([expected, path]);
    });

    const setting = (name: string, value: string, operation = "set") => ({
      request: { [operation]: { [name]: value } },
    });
    const twice = (headers: object) => [1, 2].map(() => ({ destination: { host: "app" }, weight: 50, headers }));

    // As Envoy does, only a route's own keeps the authority so far.
    it.each([
      [{ rewrite: { authority: "internal.example" } }, "internal.example", "localhost"],
      [{ rewrite: { authority: "" } }, "localhost", null],
      [{ headers: setting("Host", "by-set.example") }, "by-set.example", "localhost"],
      [{ headers: setting(":authority", "by-add.example", "add") }, "by-add.example", "localhost"],
      [{ headers: setting("host", "") }, "localhost", null],
      [{ route: [{ ...destination[0], headers: setting("host", "of-one.example") }] }, "of-one.example", "localhost"],
      [{ route: twice(setting("host", "of-many.example")) }, "of-many.example", null],
      [{ route: twice(setting("host", "a")), headers: setting("host", "of-route.example") }, "of-route.example", "a"],
      [
        { route: [{ ...destination[0], headers: setting("host", "a") }], headers: setting("host", "of-route.example") },
        "of-route.example",
        "localhost",
      ],
      [{ route: twice(setting("host", "a")), rewrite: { authority: "of-rewrite.example" } }, "of-rewrite.example", "a"],
    ])("the authority by %j to %s", async (fields, authority, original) => {
      await using host = await start(onRoute(fields));
      await host.fetch("/");
      const [request] = host.requests("app");
      expect([request!.authority, request!.header("x-envoy-original-host")]).toEqual([authority, original]);
    });
  });

  it.each([
    [{ prefixRewrite: "/new" }, "/old/x?y", "http://localhost/new/x?y"],
    [{ derivePort: "FROM_PROTOCOL_DEFAULT", scheme: "https" }, "/old", "https://localhost/old"],
  ])("redirects with %j: %s to %s", async (redirect, path, location) => {
    await using host = await start(proxy({ http: [{ match: [{ uri: { prefix: "/old" } }], redirect }] }));
    expect((await host.fetch(path)).header("location")).toBe(location);
  });

  it("renames, copies and dedupes headers", async () => {
    const request = { rename: { "x-old": "x-new" }, copy: { "x-from": "x-to" }, dedupe: ["x-twice"] };
    await using host = await start(onRoute({ headers: { request } }));
    await host.fetch("/", {
      headers: [
        ["x-old", "1"],
        ["x-from", "2"],
        ["x-from", "3"],
        ["x-twice", "4"],
        ["x-twice", "5"],
      ],
    });
    const { headers } = host.requests("app")[0]!;
    const values = (wanted: string) => headers.filter(([name]) => name === wanted).map(([, value]) => value);
    expect(["x-old", "x-new", "x-from", "x-to", "x-twice"].map(values)).toEqual([
      [],
      ["1"],
      ["2", "3"],
      ["2", "3"],
      ["4"],
    ]);
  });

  describe("tells the router", () => {
    it("to retry", async () => {
      let attempts = 0;
      await using host = await start({
        ...onRoute({ retries: { attempts: 3, perTryTimeout: "2s", retryOn: "5xx,unavailable,429" } }),
        clusters: { app: () => ({ status: ++attempts < 3 ? 503 : 200 }) },
      });
      const response = host.fetch("/");
      if (host instanceof Emulator) host.advance(1000);
      expect([(await response).status, attempts]).toEqual([200, 3]);
    });

    it("to give up in time", async () => {
      await using host = await start({
        ...onRoute({ timeout: "0.05s" }),
        clusters: { app: () => ({ delayMs: 2000 }) },
      });
      const response = host.fetch("/");
      if (host instanceof Emulator) host.advance(50);
      expect((await response).status).toBe(504);
    });
  });

  describe("carries out a CORS policy", () => {
    const corsPolicy = {
      allowOrigins: [{ exact: "https://a.example" }, { regex: "https://.*\\.b\\.example" }],
      allowMethods: ["GET", "PUT"],
      allowHeaders: ["x-a"],
      exposeHeaders: ["x-b", "x-c"],
      maxAge: "1h",
      allowCredentials: true,
    };
    const preflight = (origin: string): RequestOptions => ({
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "PUT" },
    });

    it("answers what a browser asks first", async () => {
      await using host = await start(onRoute({ corsPolicy }));
      const answer = await host.fetch("/", preflight("https://x.b.example"));
      expect(answer.status).toBe(200);
      expect(Object.fromEntries(answer.headers.filter(([name]) => name.startsWith("access-control")))).toEqual({
        "access-control-allow-origin": "https://x.b.example",
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET,PUT",
        "access-control-allow-headers": "x-a",
        "access-control-expose-headers": "x-b,x-c",
        "access-control-max-age": "3600",
      });
      expect(host.requests("app")).toHaveLength(0);
    });

    it("marks the response for its origin only", async () => {
      await using host = await start(onRoute({ corsPolicy }));
      const answer = await host.fetch("/", { headers: { origin: "https://a.example" } });
      expect(answer.header("access-control-allow-origin")).toBe("https://a.example");
      expect(answer.header("access-control-expose-headers")).toBe("x-b,x-c");
      const other = await host.fetch("/", { headers: { origin: "https://evil.example" } });
      expect(other.header("access-control-allow-origin")).toBeNull();
    });

    it("hands the questions of other origins on, unless told not to", async () => {
      await using host = await start(onRoute({ corsPolicy }));
      expect((await host.fetch("/", preflight("https://evil.example"))).text()).toBe("app");
      await host.update(onRoute({ corsPolicy: { ...corsPolicy, unmatchedPreflights: "IGNORE" } }));
      const answer = await host.fetch("/", preflight("https://evil.example"));
      expect([answer.status, answer.text(), answer.header("access-control-allow-origin")]).toEqual([200, "", null]);
    });
  });

  it("takes the asterisk of a CORS policy as Envoy does", async () => {
    const any = { allowOrigins: [{ exact: "*" }], allowMethods: ["*"], allowHeaders: ["*"], allowCredentials: true };
    await using host = await start(onRoute({ corsPolicy: any }));
    const origin = "https://any.example";
    const asked = { "access-control-request-method": "PUT", "access-control-request-headers": "x-a,x-b" };
    const answer = await host.fetch("/", { method: "OPTIONS", headers: { origin, ...asked } });
    expect(answer).toHaveHeader("access-control-allow-origin", origin);
    expect(answer).toHaveHeader("access-control-allow-methods", "PUT");
    expect(answer).toHaveHeader("access-control-allow-headers", "x-a,x-b");
    expect(await host.fetch("/", { headers: { origin } })).toHaveHeader("access-control-allow-origin", origin);
  });

  describe("tags traffic", () => {
    const trafficTags = [
      {
        header: "x-tag",
        rules: [
          { value: "vip", match: [{ headers: { "x-user": { exact: "vip" } } }, { cookies: { vip: {} } }] },
          { value: "old", match: [{ uri: { prefix: "/old" } }] },
        ],
        default: "base",
      },
    ];
    it("by conditions, so that routes can match on the tag; a client's own does not count", async () => {
      const http = [to("v2", { headers: { "x-tag": { exact: "vip" } } }), to("v1", {})];
      await using host = await start(proxy({ http, options: { trafficTags } }));
      expect(await chosen(host, "/", { headers: { "x-user": "vip" } })).toBe("v2");
      expect(await chosen(host, "/", { headers: { cookie: "vip=1" } })).toBe("v2");
      expect(await chosen(host, "/", { headers: { "x-tag": "vip" } })).toBe("v1");
      await host.fetch("/old");
      expect(host.requests("app").at(-1)!.header("x-tag")).toBe("old");
    });

    it("by weight, and as the client says when it is trusted", async () => {
      const tag = {
        header: "x-tag",
        weights: [
          { value: "a", weight: 0 },
          { value: "b", weight: 1 },
        ],
        trustIncoming: true,
      };
      await using host = await start(proxy({ options: { trafficTags: [tag] } }));
      await host.fetch("/");
      expect(host.requests("app").at(-1)!.header("x-tag")).toBe("b");
      await host.fetch("/", { headers: { "x-tag": "mine" } });
      expect(host.requests("app").at(-1)!.header("x-tag")).toBe("mine");
    });
  });

  it("keeps a user's tag by a cookie, also where no route takes the request", async () => {
    const weights = [1, 1].map((weight, i) => ({ value: `t${i}`, weight }));
    const options = { stickyBy: [{ cookie: "id", ttl: "1h" }], trafficTags: [{ header: "x-tag", weights }] };
    await using host = await start(proxy({ http: [to("v2", { uri: { prefix: "/v2" } })], options }));
    const given = (await host.fetch("/")).header("set-cookie");
    expect(given).toMatch(/^id=\d+; Max-Age=3600/);
    const tag = host.requests("app").at(-1)!.header("x-tag");
    for (let request = 0; request < 10; request++) {
      const again = await host.fetch("/", { headers: { cookie: given!.split(";")[0]! } });
      expect([host.requests("app").at(-1)!.header("x-tag"), again.header("set-cookie")]).toEqual([tag, null]);
    }
  });

  it("writes %% as a percent sign, as Envoy does, and leaves a header that is renamed to itself", async () => {
    const request = { set: { "x-share": "50%% of 100%%" }, rename: { "x-a": "X-A" } };
    await using host = await start(onRoute({ headers: { request } }));
    await host.fetch("/", { headers: { "x-a": "1" } });
    expect(["x-share", "x-a"].map((name) => host.requests("app")[0]!.header(name))).toEqual(["50% of 100%", "1"]);
  });

  it("takes environment variables", async () => {
    const options = proxy({ http: [to("${SUBSET}", { uri: { prefix: "/${TEAM:-none}/" } })] });
    const [plugin] = options.plugins;
    await using host = await start({ ...options, plugins: [{ ...plugin!, environment: { SUBSET: "v2", TEAM: "a" } }] });
    expect(await chosen(host, "/a/b")).toBe("v2");
    expect(await chosen(host, "/none/b")).toBeNull();
    await expect(start(options)).rejects.toThrow(
      "http[0].route[0].destination.subset: the environment variable SUBSET",
    );
  });

  it("refuses Unicode's classes, whose tables it does without", async () => {
    const refused = start(proxy({ http: [to("a", { uri: { regex: "/\\pL" } })] }));
    await expect(refused).rejects.toThrow("regex: column 2: Unicode classes are not supported");
  });

  it("tells which configuration is in effect", async () => {
    await using host = await start(proxy({ http: [to("a", {})] }));
    const status = async (name: string) => await host.metric(`plugin=.=header-routing;.;config_${name}`);
    const hash = await status("hash");
    expect(hash).toBeGreaterThan(0);
    await expect(host.update(proxy({ http: 1 }))).rejects.toThrow("http: expected an array");
    expect([await status("ok"), await status("hash")]).toEqual([0, hash]);
    await host.update(proxy({ http: [to("b", {})] }));
    expect(await status("ok")).toBe(1);
    expect(await status("hash")).not.toBe(hash);
  });

  it("lets only listed hosts out", async () => {
    await using host = await start(proxy({ hosts: ["api.example.com", "*.internal"], options: { unmatched: 502 } }));
    expect((await host.fetch("/", { headers: { host: "api.example.com:443" } })).status).toBe(200);
    expect((await host.fetch("/", { headers: { host: "a.internal" } })).status).toBe(200);
    expect((await host.fetch("/", { headers: { host: "evil.example.com" } })).status).toBe(502);
  });

  it("publishes a cluster's name for routes with cluster_header", async () => {
    const http = [
      {
        match: [{ uri: { exact: "/istio" } }],
        route: [{ destination: { host: "a.svc", subset: "v2", port: { number: 80 } } }],
      },
      { route: [{ destination: { host: "app" } }] },
    ];
    await using host = await start({
      ...proxy({ http, options: { clusterHeader: "x-cluster" } }),
      routes: [
        { match: { path: "/istio" }, cluster: "app" },
        { match: { prefix: "/" }, clusterHeader: "x-cluster" },
      ],
    });
    await host.fetch("/istio");
    expect(host.requests("app").at(-1)!.header("x-cluster")).toBe("outbound|80|v2|a.svc");
    expect((await host.fetch("/")).text()).toBe("app");
  });

  it("gives a user without a key a cookie that keeps the version", async () => {
    const split = { route: [50, 50].map((weight, i) => ({ destination: { host: "app", subset: `v${i}` }, weight })) };
    const options = { stickyBy: [{ cookie: "canary", ttl: "1h" }] };
    await using host = await start(proxy({ http: [split], options }));
    for (let user = 0; user < 20; user++) {
      const given = (await host.fetch("/")).header("set-cookie")!;
      const version = host.requests("app").at(-1)!.header("x-route-subset");
      expect(given).toMatch(/^canary=\d+; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax$/);
      const again = await host.fetch("/", { headers: { cookie: given.split(";")[0]! } });
      expect([host.requests("app").at(-1)!.header("x-route-subset"), again.header("set-cookie")]).toEqual([
        version,
        null,
      ]);
    }
  });
});
