import { eachHost } from "@attache/harness/vitest";
import type { Host, HostOptions, RequestOptions, StartHost } from "@attache/harness";
import { describe, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

const module = new URL("build/plugin.wasm", import.meta.url);

/** Routes with one destination each, named after the subset it publishes. */
function route(subset: string, match: unknown, more: object = {}): object {
  return { match: [match], route: [{ destination: { host: "app", subset } }], ...more };
}

function proxy(configuration: unknown): HostOptions {
  return { plugins: [{ name: "header-routing", module, configuration }], clusters: { app: () => ({ body: "app" }) } };
}

/** What the filter published for this request; `null` when no route matched. */
async function published(host: Host, path: string, options?: RequestOptions): Promise<string | null> {
  await host.fetch(path, options);
  return host.requests("app").at(-1)!.header("x-route-subset");
}

/** A match, requests that it takes, and requests that it does not. */
type Row = [match: unknown, taken: [string, RequestOptions?][], left: [string, RequestOptions?][]];

const header = (name: string, ...values: string[]): RequestOptions => ({ headers: { [name]: values } });

const rows: Record<string, Row> = {
  "an exact uri": [{ uri: { exact: "/a" } }, [["/a"], ["/a?x=1"], ["/a?"]], [["/A"], ["/a/"], ["/ab"], ["/"]]],
  "an exact uri, ignoring case": [
    { uri: { exact: "/Cart" }, ignoreUriCase: true },
    [["/cArT"]],
    [["/car"], ["/carts"]],
  ],
  "a uri prefix": [{ uri: { prefix: "/api" } }, [["/api"], ["/apiary"], ["/api/x?y"]], [["/ap"], ["/x/api"]]],
  "a uri regex": [
    { uri: { regex: "/users/[0-9]+" } },
    [["/users/42"], ["/users/42?x"]],
    [["/users/42/x"], ["/users/"]],
  ],
  "an exact header": [
    { headers: { "end-user": { exact: "vip" } } },
    [["/", header("end-user", "vip")]],
    [["/"], ["/", header("end-user", "VIP")], ["/", header("end-user", "vip,vip")]],
  ],
  "a header prefix": [
    { headers: { "x-v": { prefix: "1." } } },
    [["/", header("x-v", "1.2")]],
    [["/", header("x-v", "2.1.")], ["/"]],
  ],
  "a header regex": [
    { headers: { "x-v": { regex: "a|b+" } } },
    [
      ["/", header("x-v", "bbb")],
      ["/", header("x-v", "a")],
    ],
    [
      ["/", header("x-v", "ab")],
      ["/", header("x-v", "")],
    ],
  ],
  "any line of a header, as Envoy does": [
    { headers: { "x-v": { exact: "b" } }, withoutHeaders: { "x-v": { exact: "c" } } },
    [
      ["/", header("x-v", "a", "b")],
      ["/", header("x-v", "b", "a")],
    ],
    [
      ["/", header("x-v", "a,b")],
      ["/", header("x-v", "b", "c")],
    ],
  ],
  "the header host, which is the authority": [
    { headers: { host: { exact: "shop.example" } }, withoutHeaders: { host: { exact: "evil.example" } } },
    [["/", header("host", "shop.example")]],
    [["/", header("host", "evil.example")], ["/"]],
  ],
  "a header's presence": [
    { headers: { "x-v": {} } },
    [
      ["/", header("x-v", "any")],
      ["/", header("x-v", "")],
    ],
    [["/"]],
  ],
  "a header's presence, by regex *": [{ headers: { "x-v": { regex: "*" } } }, [["/", header("x-v", "any")]], [["/"]]],
  "several headers, all of them": [
    { headers: { "x-a": { exact: "1" }, "x-b": { exact: "2" } } },
    [["/", { headers: { "x-a": "1", "x-b": "2" } }]],
    [
      ["/", header("x-a", "1")],
      ["/", { headers: { "x-a": "1", "x-b": "3" } }],
    ],
  ],
  "the absence of a header's value": [
    { withoutHeaders: { "x-v": { exact: "a" } } },
    [["/"], ["/", header("x-v", "b")]],
    [["/", header("x-v", "a")]],
  ],
  "the absence of a header": [{ withoutHeaders: { "x-v": {} } }, [["/"]], [["/", header("x-v", "")]]],
  "a method": [{ method: { exact: "POST" } }, [["/", { method: "POST" }]], [["/"], ["/", { method: "PUT" }]]],
  "an authority": [
    { authority: { exact: "shop.example" } },
    [
      ["/", header("host", "shop.example")],
      ["/", header("host", "Shop.Example")],
    ],
    [["/", header("host", "shop.example:8080")], ["/"]],
  ],
  "a scheme": [{ scheme: { exact: "http" } }, [["/"]], []],
  "a query parameter": [
    { queryParams: { v: { exact: "2" } } },
    [["/?v=2"], ["/?a=1&v=2&b"], ["/?v=2&v=3"]],
    [["/?v=20"], ["/?v=3&v=2"], ["/?xv=2"], ["/"], ["/v=2"], ["/?v"]],
  ],
  "an empty query parameter": [{ queryParams: { v: { exact: "" } } }, [["/?v"], ["/?v="]], [["/?v=1"], ["/?vv"]]],
  "a query parameter's presence": [{ queryParams: { v: {} } }, [["/?v=1"], ["/?v"]], [["/?w"]]],
  "a query parameter by prefix and regex": [
    { queryParams: { v: { prefix: "a" }, w: { regex: "[0-9]+" } } },
    [["/?v=ab&w=12"]],
    [["/?v=ab&w=x"], ["/?v=b&w=12"]],
  ],
};

eachHost("header-routing", (start: StartHost) => {
  describe("matches", () => {
    it.each(Object.entries(rows))("%s", async (_, [match, taken, left]) => {
      await using host = await start(proxy({ http: [route("yes", match)] }));
      for (const [path, options] of taken)
        expect([path, options, await published(host, path, options)]).toEqual([path, options, "yes"]);
      for (const [path, options] of left)
        expect([path, options, await published(host, path, options)]).toEqual([path, options, null]);
    });

    it("the path without its fragment, which another filter may have left there", async () => {
      const rewriting = await compileFilter(
        filterSource(`override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
          headers.path = "/a#/b?v=1";
          return FilterHeaders.Continue;
        }`),
      );
      const { plugins, clusters } = proxy({
        http: [route("yes", { uri: { exact: "/a" }, queryParams: { w: {} } }), route("own", { uri: { exact: "/a" } })],
      });
      await using host = await start({ plugins: [{ module: rewriting }, ...plugins], clusters: clusters! });
      expect(await published(host, "/x")).toBe("own");
    });

    it("any of several alternatives, and the first of several routes", async () => {
      const routes = [
        { ...route("first", {}), match: [{ uri: { exact: "/a" } }, { uri: { exact: "/b" } }] },
        route("second", { uri: { prefix: "/a" } }),
        route("rest", {}, { match: undefined }),
      ];
      await using host = await start(proxy({ http: routes }));
      expect(await published(host, "/a")).toBe("first");
      expect(await published(host, "/b")).toBe("first");
      expect(await published(host, "/aa")).toBe("second");
      expect(await published(host, "/c")).toBe("rest");
    });
  });

  describe("publishes", () => {
    it("the host when the destination has no subset, under the configured name", async () => {
      const http = [{ route: [{ destination: { host: "reviews.prod" } }] }];
      await using host = await start(proxy({ http, options: { subsetHeader: "X-Target" } }));
      await host.fetch("/");
      expect(host.requests("app")[0]!.header("x-target")).toBe("reviews.prod");
    });

    it("nothing of what a client claims, whether a route matches or not", async () => {
      await using host = await start(proxy({ http: [route("own", { uri: { exact: "/match" } })] }));
      expect(await published(host, "/match", header("x-route-subset", "claimed"))).toBe("own");
      expect(await published(host, "/other", header("x-route-subset", "claimed"))).toBeNull();
    });

    it("a header that the proxy's routes select on", async () => {
      const http = [
        route("v2", { uri: { prefix: "/new" } }),
        { route: [{ destination: { host: "app", subset: "v1" } }] },
      ];
      await using host = await start({
        plugins: [{ module, configuration: { http } }],
        clusters: { v1: () => ({ body: "v1" }), v2: () => ({ body: "v2" }) },
        routes: [
          { match: { prefix: "/", headers: [{ name: "x-route-subset", exact: "v2" }] }, cluster: "v2" },
          { match: { prefix: "/" }, cluster: "v1" },
        ],
      });
      expect((await host.fetch("/new")).text()).toBe("v2");
      expect((await host.fetch("/old")).text()).toBe("v1");
    });

    it("a destination of weight 0 never, and one that has all the weight always", async () => {
      const destinations = [0, 7, 0].map((weight, index) => ({ destination: { subset: `v${index}` }, weight }));
      await using host = await start(proxy({ http: [{ route: destinations }] }));
      for (let request = 0; request < 50; request++) expect(await published(host, "/")).toBe("v1");
    });
  });

  describe("splits by sticky key", () => {
    it("as the documentation says: XXH64 of the key, seeded with XXH64 of the route's name", async () => {
      const split = {
        name: "canary",
        route: [50, 50].map((weight, index) => ({ destination: { subset: `v${index}` }, weight })),
      };
      await using host = await start(proxy({ http: [split], options: { stickyBy: [{ header: "x-user" }] } }));
      const sides = [];
      for (const user of ["alice", "bob", "carol", "dave", "eve", "frank"])
        sides.push(await published(host, "/", header("x-user", user)));
      expect(sides).toEqual(["v1", "v0", "v0", "v1", "v1", "v1"]);
    });

    it("so that a ramp only moves users towards the growing side", async () => {
      const at = (canary: number) => ({
        http: [
          {
            name: "ramp",
            route: [
              { destination: { subset: "old" }, weight: 100 - canary },
              { destination: { subset: "new" }, weight: canary },
            ],
          },
        ],
        options: { stickyBy: [{ header: "x-user" }] },
      });
      await using host = await start(proxy(at(10)));
      const users = Array.from({ length: 200 }, (_, index) => `user-${index}`);
      const onNew = async () => {
        const found = new Set<string>();
        for (const user of users) if ((await published(host, "/", header("x-user", user))) === "new") found.add(user);
        return found;
      };
      const before = await onNew();
      await host.update(proxy(at(30)));
      const after = await onNew();
      expect(after.size).toBeGreaterThan(before.size);
      for (const user of before) expect(after.has(user)).toBe(true);
    });
  });

  describe("changes headers", () => {
    it.each([
      ["one of several destinations: its own, then the route's", 2, "route", ["destination", "route"]],
      ["the only destination: the route's, then its own, as one list", 1, "destination", ["route", "destination"]],
    ] as const)("of request and response for %s", async (_, count, last, added) => {
      const operations = (mark: string) => ({
        request: { set: { "x-set": mark }, add: { "x-add": mark }, remove: ["x-gone"] },
        response: { set: { "x-answer": mark }, add: { "x-add": mark }, remove: ["x-internal"] },
      });
      const taken = { destination: { host: "app" }, headers: operations("destination"), weight: 1 };
      const route = [taken, { destination: { host: "other" }, weight: 0 }].slice(0, count);
      await using host = await start({
        ...proxy({ http: [{ headers: operations("route"), route }] }),
        clusters: { app: () => ({ headers: { "x-internal": "secret", "x-add": "app" } }) },
      });
      const response = await host.fetch("/", { headers: { "x-set": "client", "x-add": "client", "x-gone": "1" } });
      const [request] = host.requests("app");
      const values = (headers: readonly (readonly [string, string])[], name: string) =>
        headers.filter(([known]) => known === name).map(([, value]) => value);
      expect(values(request!.headers, "x-set")).toEqual([last]);
      expect(values(request!.headers, "x-add")).toEqual(["client", ...added]);
      expect(values(request!.headers, "x-gone")).toEqual([]);
      expect(values(response.headers, "x-answer")).toEqual([last]);
      expect(values(response.headers, "x-add")).toEqual(["app", ...added]);
      expect(values(response.headers, "x-internal")).toEqual([]);
    });
  });

  describe("answers", () => {
    it.each([
      [{ uri: "/new" }, "/old", "http://localhost/new"],
      [{ uri: "/new" }, "/old?a=b", "http://localhost/new?a=b"],
      [{ uri: "/new?x=y" }, "/old?a=b", "http://localhost/new?x=y"],
      [{ authority: "other.example" }, "/p?q", "http://other.example/p?q"],
      [{ scheme: "https" }, "/p", "https://localhost/p"],
      [{ scheme: "https", port: 8443 }, "/p", "https://localhost:8443/p"],
      [{ port: 81, authority: "a.example", uri: "/x" }, "/p", "http://a.example:81/x"],
      [{ port: 80, authority: "a.example" }, "/p", "http://a.example/p"],
      [{ port: 443, scheme: "https" }, "/p", "https://localhost/p"],
      [{ port: 80, scheme: "https" }, "/p", "https://localhost:80/p"],
    ])("redirect %j of %s with %s", async (redirect, path, location) => {
      await using host = await start(proxy({ http: [{ redirect }] }));
      const response = await host.fetch(path);
      expect([response.status, response.header("location")]).toEqual([301, location]);
      expect(host.requests("app")).toHaveLength(0);
    });

    it.each([
      ["localhost:80", "https://localhost/"],
      ["localhost:8080", "https://localhost:8080/"],
      ["[::1]:80", "https://[::1]/"],
      ["[::1]", "https://[::1]/"],
    ])("a redirect of %s to https with %s", async (authority, location) => {
      await using host = await start(proxy({ http: [{ redirect: { scheme: "https", redirectCode: 308 } }] }));
      const response = await host.fetch("/", header("host", authority));
      expect([response.status, response.header("location")]).toEqual([308, location]);
    });

    it("directly, with the route's response headers", async () => {
      const http = [
        {
          directResponse: { status: 503, body: { string: "closed" } },
          headers: { response: { set: { "retry-after": "60" } } },
        },
      ];
      await using host = await start(proxy({ http }));
      const response = await host.fetch("/");
      expect([response.status, response.text(), response.header("retry-after")]).toEqual([503, "closed", "60"]);
    });
  });

  describe("rejects a configuration", () => {
    const rejected = async (configuration: unknown) =>
      await start(proxy(configuration)).then(
        () => "accepted",
        (error: Error) => error.message,
      );

    it("that is not JSON, with line and column", async () => {
      expect(await rejected('{\n  "http": [}\n')).toMatch(/line 2, column 12/);
    });

    it("with every problem and its path", async () => {
      const message = await rejected({
        http: [
          {
            match: [{ uri: { regex: "/a(b" }, headrs: {} }],
            route: [{ destination: { host: "a" }, weight: 0 }, { destination: { host: "b" } }],
          },
          { route: [{ destination: {} }], redirect: { scheme: "ftp", redirectCode: 200 } },
          { match: [{ uri: { exact: "/a", prefix: "/b" } }] },
        ],
        options: { subsetHeader: ":path", stickyBy: [{}] },
      });
      for (const problem of [
        /http\[0\]\.match\[0\]\.uri\.regex: .*/,
        /http\[0\]\.match\[0\]\.headrs: .*"headers"/,
        /http\[0\]\.route: total destination weight = 0/,
        /http\[1\]\.route\[0\]\.destination: host or subset must be given/,
        /http\[1\]\.redirect\.scheme: invalid redirect scheme, must be "http" or "https"/,
        /http\[1\]\.redirect\.redirectCode: 200 is not a valid redirect code, must be 3xx/,
        /http\[1\]: exactly one of route, redirect and directResponse must be given/,
        /http\[2\]\.match\[0\]\.uri: only one of exact, prefix and regex can be given/,
        /http\[2\]: exactly one of/,
        /options\.subsetHeader: .*/,
        /options\.stickyBy\[0\]: exactly one of header, cookie, claim and remoteAddress must be given/,
      ]) {
        expect(message).toMatch(problem);
      }
    });

    const destination = [{ destination: { host: "app" } }];
    it.each([
      [{ http: [null] }, /http\[0\]: /],
      [{ http: [{ match: [null], route: destination }] }, /http\[0\]\.match\[0\]: /],
      [{ http: [{ route: [null] }] }, /http\[0\]\.route\[0\]: /],
      [{ options: { stickyBy: [null] } }, /options\.stickyBy\[0\]: /],
      [
        { http: [{ route: [{ destination: { subset: "v\r\n2" } }] }] },
        /destination\.subset: must not hold NUL, CR or LF/,
      ],
      [{ http: [{ route: [{ destination: { host: "a\0b" } }] }] }, /destination\.host: must not hold NUL, CR or LF/],
      [{ options: { subsetHeader: "Host" } }, /options\.subsetHeader: is the authority/],
      [{ options: { subsetHeader: "transfer-encoding" } }, /options\.subsetHeader: is a header that a filter must not/],
      [{ http: [{ redirect: {} }] }, /redirect: at least one of uri, authority, port and scheme/],
      [{ http: [{ redirect: { uri: "/", redirectCode: 4294967597 } }] }, /4294967597 is not a valid redirect code/],
      [{ http: [{ redirect: { uri: "/a\r\nb" } }] }, /redirect\.uri: must not hold NUL, CR or LF/],
      [{ http: [{ route: destination, headers: { request: { set: { "a b": "c" } } } }] }, /is not a header name/],
      [{ http: [{ route: destination, headers: { request: { add: { "a\r\nb": "c" } } } }] }, /is not a header name/],
      [
        { http: [{ route: destination, headers: { response: { set: { ":authority": "c" } } } }] },
        /set\[":authority"\]: is the authority, which only rewrite.authority and what is set on requests change/,
      ],
      [{ http: [{ route: destination, headers: { request: { remove: ["Host"] } } }] }, /remove\[0\]: is the authority/],
      [
        { http: [{ route: destination, headers: { request: { set: { Host: "a" }, add: { host: "b" } } } }] },
        /add\.host: sets the authority once more/,
      ],
      [
        { http: [{ route: destination, headers: { request: { set: { Host: "a" } } }, rewrite: { authority: "b" } }] },
        /rewrite: sets the authority, as headers do: say it once/,
      ],
      [
        { http: [{ route: destination, headers: { response: { remove: ["content-length"] } } }] },
        /remove\[0\]: is a header/,
      ],
      [
        { http: [{ directResponse: { status: 204, body: { string: "x" } } }] },
        /a response with status 204 has no body/,
      ],
      [{ http: [{ route: [{ destination: { host: "a", port: { number: "x" } } }] }] }, /destination\.port\.number: /],
      [{ http: [{ route: destination, match: [{ name: 5 }] }] }, /match\[0\]\.name: expected a string/],
      [
        { spec: { tcp: [], tls: [] } },
        /spec\.tcp: is not supported: use the proxy's own.*spec\.tls: is not supported/s,
      ],
      [{ http: [{ route: destination, mirrorPercentage: { value: 1 } }] }, /mirrorPercentage: is not supported/],
      // What Istio refuses, and Envoy would not do or do otherwise.
      [
        { http: [{ route: destination, headers: { request: { set: { "x-ip": "%REQ(x)%" } } } }] },
        /request\.set\.x-ip: Envoy's commands \(%…%\) are not supported: use copy .*, and %% for a percent sign/,
      ],
      [
        { http: [{ route: destination, headers: { response: { add: { "x-a": "5%" } } } }] },
        /add\.x-a: Envoy's commands/,
      ],
      [
        { http: [{ route: destination, retries: { attempts: 2, retryOn: "5xx,gateway_error,999," } }] },
        /retryOn: "gateway_error" is not .*retryOn: "999" is not .*retryOn: "" is not a valid retryOn policy/s,
      ],
      [{ http: [{ route: destination, retries: { retryOn: "5xx" } }] }, /retries: http retry policy .* 0 \(disabled\)/],
      [{ http: [{ route: destination, timeout: "100us" }] }, /timeout: only durations to ms precision are supported/],
      [
        { http: [{ route: destination, retries: { attempts: 1, perTryTimeout: "0.0005s" } }] },
        /perTryTimeout: only durations to ms precision are supported/,
      ],
      [{ http: [{ route: destination, corsPolicy: { maxAge: "1500ms" } }] }, /maxAge: .* only to seconds precision/],
      ...[{}, { exact: "" }, { regex: "*" }].map((origin): [object, RegExp] => [
        { http: [{ route: destination, corsPolicy: { allowOrigins: [origin] } }] },
        /allowOrigins\[0\]: '' is not a valid match type for CORS allow origins: every origin is/,
      ]),
      [
        { http: [{ match: [{ uri: { exact: "/a" } }], redirect: { prefixRewrite: "/b" } }] },
        /redirect: redirect prefix_rewrite requires all URI matches to use prefix match type/,
      ],
      [{ options: { stickyBy: [{ cookie: "a=b; c", ttl: "1h" }] } }, /stickyBy\[0\]\.cookie: is not a name/],
    ])("as %j", async (configuration, problem) => {
      expect(await rejected(configuration)).toMatch(problem);
    });

    it("without adding misleading problems", async () => {
      const retries = { attempts: "many", retryOn: "5xx" };
      expect(await rejected({ http: [{ route: destination, retries }] })).not.toContain("disabled");
      const route = [{ destination: { host: "a" }, weight: "heavy" }, { destination: { host: "b" } }];
      expect(await rejected({ http: [{ route }] })).not.toContain("total destination weight");
      expect(await rejected({ http: [{ delegate: { name: "a" } }] })).not.toContain("exactly one of");
      const headers = { request: { remove: [null] } };
      const message = await rejected({ http: [{ route: destination, headers }] });
      expect(message.match(/remove\[0\]/g)).toHaveLength(1);
    });

    it("and keeps the old one", async () => {
      await using host = await start(proxy({ http: [route("old", {})] }));
      await expect(host.update(proxy({ http: [{ rout: [] }] }))).rejects.toThrow(/http\[0\]\.rout: .*"route"/);
      expect(await published(host, "/")).toBe("old");
    });
  });
});
