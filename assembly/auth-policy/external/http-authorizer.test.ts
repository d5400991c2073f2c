import type { Cluster, UpstreamResponse } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { ask, custom, DENIED, ERROR, PASSED, proxy, send } from "./testing.ts";

const http = (more: object = {}, name = "authz") => ({
  name,
  envoyExtAuthzHttp: { cluster: name, timeout: "300ms", ...more },
});

eachHost("auth-policy with an external HTTP service", (start) => {
  const startWith = async (authz: Cluster, more: object = {}, policies?: object[], options?: object) =>
    await start(proxy([http(more)], { authz }, policies, options));

  it("asks with method, host, path, authorization and the headers that are listed, and nothing else", async () => {
    await using host = await startWith(() => ({}), {
      pathPrefix: "/check",
      includeRequestHeadersInCheck: ["X-Tenant", "x-a-*", "*-id", "content-*", "x-f*", "x-envoy-auth-partial-body"],
      includeHeadersInCheck: ["x-old"],
      includeAdditionalHeadersInCheck: { "X-From": "mesh" },
    });
    const headers = {
      host: "shop.example",
      authorization: "Bearer a",
      "x-tenant": ["one", "two"],
      "x-a-b": "1",
      "user-id": "2",
      "x-old": "3",
      "x-from": "forged",
      cookie: "secret=1",
      "x-envoy-auth-partial-body": "false",
    };
    expect(await ask(host, "/a/b?c=d", { method: "POST", headers, body: "text" })).toEqual(PASSED);
    const [check] = host.requests("authz");
    expect([check!.method, check!.authority, check!.path, check!.text()]).toEqual([
      "POST",
      "shop.example",
      "/check/a/b?c=d",
      "",
    ]);
    const seen = Object.keys(headers).map((name) => [name, check!.headers.filter(([key]) => key === name).map(([, value]) => value)]); // prettier-ignore
    expect(Object.fromEntries(seen)).toEqual({
      host: [],
      authorization: ["Bearer a"],
      "x-tenant": ["one,two"],
      "x-a-b": ["1"],
      "user-id": ["2"],
      "x-old": ["3"],
      "x-from": ["mesh"],
      cookie: [],
      "x-envoy-auth-partial-body": [],
    });
    expect(host.requests("app")[0]!.text()).toBe("text");
  });

  it("is asked about what its policies match, before DENY and ALLOW", async () => {
    const policies = [
      custom("authz", "/admin/*"),
      { action: "DENY", rules: [{ to: [{ operation: { paths: ["/admin/never"] } }] }] },
    ];
    await using host = await startWith(({ path }) => ({ status: path === "/admin/no" ? 401 : 200, body: "by authz" }), {}, policies); // prettier-ignore
    expect(await ask(host, "/info")).toEqual(PASSED);
    expect(host.requests("authz")).toEqual([]);
    expect(await ask(host, "/admin/yes")).toEqual(PASSED);
    expect(await ask(host, "/admin/no")).toEqual([401, "by authz"]);
    expect(await ask(host, "/admin/never")).toEqual(DENIED);
    expect(host.requests("authz")).toHaveLength(3);
    expect(await ask(host, "/%61dmin/no")).toEqual([200, "app"]);
    expect(host.requests("authz")).toHaveLength(4);
  });

  it("changes the request as configured, and the response", async () => {
    const answer: UpstreamResponse = {
      headers: [
        ["x-user", "ann"],
        ["x-group", "a"],
        ["x-group", "b"],
        ["x-other", "no"],
        ["content-length", "0"],
        ["host", "evil.example"],
        ["set-cookie", "session=1"],
        ["x-envoy-auth-headers-to-remove", "authorization, x-secret, host, :path"],
      ],
    };
    await using host = await startWith(() => answer, {
      headersToUpstreamOnAllow: ["x-user", "x-group*", "host", "content-*"],
      headersToDownstreamOnAllow: ["set-cookie"],
    });
    const headers = {
      "x-user": "forged",
      "x-group": "root",
      authorization: "a",
      "x-secret": "s",
      host: "shop.example",
    };
    const response = await send(host, "/", { method: "POST", headers, body: "text" });
    expect([response.status, response.header("set-cookie"), response.header("x-user")]).toEqual([
      200,
      "session=1",
      null,
    ]);
    const [request] = host.requests("app");
    expect([request!.authority, request!.text(), request!.header("x-user"), request!.header("x-other")]).toEqual([
      "shop.example",
      "text",
      "ann",
      null,
    ]);
    expect(request!.headers.filter(([name]) => name === "x-group").map(([, value]) => value)).toEqual(["a", "b"]);
    expect([request!.header("authorization"), request!.header("x-secret")]).toEqual([null, null]);
  });

  it("has the other policies decide about the request as it has changed it", async () => {
    const admins = { rules: [{ when: [{ key: "request.headers[x-role]", values: ["admin"] }] }] };
    await using host = await startWith(
      ({ path }) => ({ headers: { "x-role": path === "/a" ? "admin" : "guest" } }),
      { headersToUpstreamOnAllow: ["x-role"] },
      [custom("authz"), admins],
    );
    expect(await ask(host, "/a", { headers: { "x-role": "guest" } })).toEqual(PASSED);
    expect(await ask(host, "/b", { headers: { "x-role": "admin" } })).toEqual(DENIED);
  });

  it("adds headers to those of the response", async () => {
    const headers: [string, string][] = [
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ];
    const app: Cluster = () => ({ headers: { "set-cookie": "app=1" } });
    const provider = http({ headersToDownstreamOnAllow: ["set-cookie"] });
    await using host = await start(proxy([provider], { authz: () => ({ headers }), app }));
    const cookies = (await send(host)).headers.filter(([name]) => name === "set-cookie").map(([, value]) => value);
    expect(cookies).toEqual(["app=1", "a=1", "b=2"]);
  });

  it("hands its refusal on", async () => {
    const headers = { location: "/login", "x-why": "no session", "content-type": "text/html" };
    const answer = { status: 302, headers, body: "go" };
    await using all = await startWith(() => answer);
    const response = await send(all);
    expect([response.status, response.text(), response.header("location"), response.header("x-why")]).toEqual([
      302,
      "go",
      "/login",
      "no session",
    ]);
    expect(response.headers.filter(([name]) => name === "content-type")).toEqual([["content-type", "text/html"]]);
    expect(all.requests("app")).toEqual([]);
    expect(await all.metric("auth_policy.ext_authz_denied")).toBe(1);
    expect(await all.metric("auth_policy.denied")).toBe(1);
    await using some = await startWith(() => answer, { headersToDownstreamOnDeny: ["x-reason"] });
    const filtered = await send(some);
    expect([filtered.status, filtered.header("location"), filtered.header("x-why")]).toEqual([302, "/login", null]);
  });

  const silent: [string, Cluster][] = [
    ["fails", () => ({ status: 500, body: "stack trace" })],
    ["is late", () => ({ delayMs: 800 })],
    ["breaks off", () => ({ reset: true })],
    ["breaks off within its answer", () => ({ body: "x", headers: { "content-length": "10" }, reset: true })],
    ["has no host", { hosts: [] }],
  ];
  describe.each(silent)("when it %s", (_, authz) => {
    it("lets nobody in, with the status that is configured", async () => {
      await using host = await startWith(authz);
      expect(await ask(host)).toEqual(ERROR);
      expect(host.requests("app")).toEqual([]);
      await using other = await startWith(authz, { statusOnError: "503" });
      expect(await ask(other)).toEqual([503, ""]);
      expect(await other.metric("auth_policy.ext_authz_error")).toBe(1);
    });

    it("lets requests go on to the other policies only with failOpen", async () => {
      const policies = [custom("authz"), { action: "DENY", rules: [{ to: [{ operation: { paths: ["/no"] } }] }] }];
      await using host = await startWith(authz, { failOpen: true }, policies);
      expect(await ask(host, "/yes")).toEqual(PASSED);
      expect(await ask(host, "/no")).toEqual(DENIED);
    });
  });

  it("lets nobody in whose request cannot be put to it, even with failOpen", async () => {
    await using host = await startWith(() => ({}), { failOpen: true });
    expect((await ask(host, "/", { headers: { host: "" } }))[0]).toBeGreaterThanOrEqual(400);
    expect(host.requests("app")).toEqual([]);
  });

  it("takes an answer that is too large for a refusal, even with failOpen", async () => {
    await using host = await startWith(() => ({ status: 403, body: "x".repeat(65_537) }), { failOpen: true });
    expect(await ask(host)).toEqual(ERROR);
    expect(host.requests("app")).toEqual([]);
  });

  it("is not asked by requests that have been denied, and told nothing by a bad token", async () => {
    const requestAuthentication = [{ jwtRules: [{ issuer: "a", jwks: '{"keys":[{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}' }] }]; // prettier-ignore
    await using host = await startWith(() => ({}), {}, undefined, { requestAuthentication });
    expect((await ask(host, "/", { headers: { authorization: "Bearer x.y.z" } }))[0]).toBe(401);
    expect(host.requests("authz")).toEqual([]);
  });

  describe("that wants to see bodies", () => {
    const body = (maxRequestBytes: number, more: object = {}) => ({
      includeRequestBodyInCheck: { maxRequestBytes, ...more },
    });

    it("gets them, and they go on", async () => {
      await using host = await startWith((request) => ({ status: request.text() === "good" ? 200 : 403 }), body(100));
      expect(await ask(host, "/", { method: "POST", body: ["go", "od"] })).toEqual(PASSED);
      expect(await ask(host, "/", { method: "POST", body: "bad" })).toEqual([403, ""]);
      expect(await ask(host, "/", { method: "POST" })).toEqual([403, ""]);
      expect(await ask(host)).toEqual([403, ""]);
      expect(host.requests("app").map((request) => request.text())).toEqual(["good"]);
      const partial = host.requests("authz").map((request) => request.header("x-envoy-auth-partial-body"));
      expect(partial).toEqual(["false", "false", null, null]);
    });

    it("gets those that trailers follow, and both go on", async () => {
      await using host = await startWith((request) => ({ status: request.text() === "good" ? 200 : 403 }), body(100));
      const trailers = { "x-end": "yes" };
      expect(await ask(host, "/", { method: "POST", body: ["go", "od"], trailers })).toEqual(PASSED);
      expect(await ask(host, "/", { method: "POST", body: ["bad"], trailers })).toEqual([403, ""]);
      expect(host.requests("app").map((request) => request.text())).toEqual(["good"]);
    });

    it("has longer ones refused", async () => {
      await using host = await startWith(() => ({}), body(4));
      expect(await ask(host, "/", { method: "POST", body: "good" })).toEqual(PASSED);
      expect((await ask(host, "/", { method: "POST", body: "longer" }))[0]).toBe(413);
      expect(host.requests("app")).toHaveLength(1);
      expect(await host.metric("auth_policy.denied")).toBe(1);
    });

    it("gets the beginning of longer ones where that will do, and they go on whole", async () => {
      await using host = await startWith(() => ({}), body(4, { allowPartialMessage: true }));
      const long = "0123456789".repeat(10_000);
      expect(await ask(host, "/", { method: "POST", body: long })).toEqual(PASSED);
      const [check] = host.requests("authz");
      expect([check!.text(), check!.header("x-envoy-auth-partial-body")]).toEqual(["0123", "true"]);
      expect(host.requests("app")[0]!.text()).toBe(long);
    });

    it("gets those of requests that wait for keys, too", async () => {
      const { publicKey, privateKey } = await generateKeyPair("EdDSA", { extractable: true });
      const keys = JSON.stringify({ keys: [await exportJWK(publicKey)] });
      const token = await new SignJWT({}).setProtectedHeader({ alg: "EdDSA" }).setIssuer("http://idp").setSubject("ann").sign(privateKey); // prettier-ignore
      const headers = { authorization: `Bearer ${token}` };
      const requestAuthentication = [{ jwtRules: [{ issuer: "http://idp", jwksUri: "http://idp/keys", cluster: "idp" }] }]; // prettier-ignore
      const authz: Cluster = (request) => ({ status: request.text() === "good" ? 200 : 403 });
      const idp: Cluster = () => ({ body: keys, delayMs: 300 });
      const signedIn = { rules: [{ from: [{ source: { requestPrincipals: ["http://idp/ann"] } }] }] };
      const policies = [custom("authz", "/checked"), signedIn];
      const startBoth = async () =>
        await start(proxy([http(body(4))], { authz, idp }, policies, { requestAuthentication }));
      for (const [path, text, status] of [
        ["/checked", "good", 200],
        ["/checked", "bad", 403],
        ["/checked", "longer", 413],
        ["/open", "longer", 200],
        ["/checked", undefined, 403],
      ] as const) {
        await using host = await startBoth();
        const options = text === undefined ? { headers } : { method: "POST", headers, body: [text.slice(0, 2), text.slice(2)] }; // prettier-ignore
        expect([path, text, (await ask(host, path, options))[0]]).toEqual([path, text, status]);
        expect(host.requests("app").map((request) => request.text())).toEqual(status === 200 ? [text] : []);
      }
    });

    it("holds nothing of requests that it is not asked about", async () => {
      await using host = await startWith(() => ({ status: 403 }), body(4), [custom("authz", "/admin")]);
      expect(await ask(host, "/", { method: "POST", body: "longer" })).toEqual(PASSED);
    });
  });

  describe("beside another one", () => {
    const start2 = async (first: Cluster, second: Cluster, more: object = {}) =>
      await start(
        proxy([http(more, "b"), http(more, "a")], { a: first, b: second }, [custom("b"), custom("a", "/both", "/a")]),
      );

    it("is asked in the order of their names, as far as their policies match", async () => {
      await using host = await start2(
        () => ({ headers: { "x-user": "ann" } }),
        () => ({}),
        { headersToUpstreamOnAllow: ["x-user"], includeRequestHeadersInCheck: ["x-user"] },
      );
      expect(await ask(host, "/both")).toEqual(PASSED);
      expect(host.requests("b")[0]!.header("x-user")).toBe("ann");
      expect(await ask(host, "/b")).toEqual(PASSED);
      expect([host.requests("a").length, host.requests("b").length]).toEqual([1, 2]);
    });

    it("has no say when the first refuses", async () => {
      await using host = await start2(
        () => ({ status: 403, body: "a" }),
        () => ({}),
      );
      expect(await ask(host, "/both")).toEqual([403, "a"]);
      expect(host.requests("b")).toEqual([]);
    });

    it("gets the body too, though the first does not want it", async () => {
      await using host = await start(
        proxy(
          [http({}, "a"), http({ includeRequestBodyInCheck: { maxRequestBytes: 100 } }, "b")],
          { a: () => ({}), b: (request) => ({ status: request.text() === "good" ? 200 : 403 }) },
          [custom("a"), custom("b")],
        ),
      );
      expect(await ask(host, "/", { method: "POST", body: "good" })).toEqual(PASSED);
      expect(await ask(host, "/", { method: "POST", body: "bad" })).toEqual([403, ""]);
      expect(host.requests("a").map((request) => request.text())).toEqual(["", ""]);
    });
  });

  it("that there is not denies what would ask it, and says so", async () => {
    await using host = await start(proxy([], {}, [custom("authz", "/admin")]));
    await host.waitForLog("authorizationPolicies[0]: denies what it matches: there is no provider authz");
    expect(await ask(host, "/admin")).toEqual(DENIED);
    expect(await ask(host, "/")).toEqual(PASSED);
  });

  it.each<[string, object[], object[], string]>([
    ["no name", [{ envoyExtAuthzHttp: { cluster: "a" } }], [], "extensionProviders[0]: `name` must not be empty"],
    ["no kind", [{ name: "a" }], [], "exactly one of envoyExtAuthzHttp, envoyExtAuthzGrpc and opa must be set"],
    ["two of a name", [http(), http()], [], "extensionProviders[1].name: another provider has this name already"],
    ["no cluster", [http({ cluster: undefined })], [], "extensionProviders[0].envoyExtAuthzHttp.cluster: is required"],
    ["no port", [http({ cluster: undefined, service: "a" })], [], "envoyExtAuthzHttp.port: is required"],
    ["both", [http({ service: "a", port: 1 })], [], "envoyExtAuthzHttp: give either cluster or service"],
    [
      "no size",
      [http({ includeRequestBodyInCheck: {} })],
      [],
      "includeRequestBodyInCheck.maxRequestBytes: is required",
    ],
    ["a path that begins nowhere", [http({ pathPrefix: "check" })], [], "pathPrefix: must begin with /"],
    ["a bad status", [http({ statusOnError: 700 })], [], "statusOnError: expected an integer from 200 to 599"],
    ["framing", [http({ includeAdditionalHeadersInCheck: { Host: "a" } })], [], "is no header that can be sent"],
    ["a typo", [http({ failsOpen: true })], [], 'failsOpen: unknown field, did you mean "failOpen"?'],
    ["no provider", [], [{ action: "CUSTOM", rules: [{}] }], "`provider.name` must not be empty"],
    ["no rules", [http()], [{ ...custom("authz"), rules: undefined }], "CUSTOM action without `rules` is meaningless"],
    [
      "a dry run",
      [http()],
      [{ ...custom("authz"), annotations: { "istio.io/dry-run": "true" } }],
      "the annotation istio.io/dry-run currently only supports action ALLOW/DENY, found action CUSTOM",
    ],
  ])("rejects a configuration with %s", async (_, providers, policies, problem) => {
    await expect(start(proxy(providers, {}, policies))).rejects.toThrow(problem);
  });
});
