import type { HostOptions, RequestOptions, StartHost } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);

interface Call extends RequestOptions {
  path?: string;
}

function proxy(policy: object, options: object = { regex: true }): HostOptions {
  const configuration = { authorizationPolicies: [{ name: "p", ...policy }], options };
  return { plugins: [{ name: "auth-policy", module, configuration }], clusters: { app: () => ({}) } };
}

const to = (operation: object) => ({ rules: [{ to: [{ operation }] }] });
const when = (key: string, values: object) => ({ rules: [{ when: [{ key, ...values }] }] });
const deny = (policy: object) => ({ action: "DENY", ...policy });
const at = (path: string): Call => ({ path });
const header = (name: string, value: string): Call => ({ headers: { [name]: value } });
/** "é" in Latin-1, which is not UTF-8. */
const LATIN = "\xe9";

const many = (count: number) => Array.from({ length: count }, (_, i) => `regex:/item-${i}/[0-9]+`);

eachHost("auth-policy, regular expressions", (start: StartHost) => {
  it.each<[string, object, Call[], Call[]]>([
    [
      "match the whole path",
      to({ paths: ["regex:/v[0-9]+/(users|orders)"] }),
      [at("/v1/users"), at("/v22/orders?x=1")],
      [at("/v1/users/7"), at("/x/v1/users"), at("/v/users")],
    ],
    [
      "match the path as received and as normalised",
      deny(to({ paths: ["regex:/admin(/.*)?"] })),
      [at("/administrator"), at("/a/admin")],
      [at("/admin"), at("/admin/x"), at("/%61dmin"), at("/x/../admin/y")],
    ],
    [
      "ignore the case of hosts",
      to({ hosts: ["regex:(shop|Pay)\\.example(:80)?"] }),
      [header("host", "SHOP.example"), header("host", "pay.example:80")],
      [header("host", "shopXexample"), header("host", "shop.example:81")],
    ],
    ["name methods", to({ methods: ["regex:P(U|OS)T"] }), [{ method: "PUT" }, { method: "POST" }], [{}]],
    [
      "look at headers",
      when("request.headers[x-id]", { values: ["regex:[a-f0-9]{4}"] }),
      [header("x-id", "00ff")],
      [header("x-id", "00fg"), header("x-id", "00ff0"), {}],
    ],
    [
      "stand beside other values, and in negations",
      to({ paths: ["/exact", "regex:/a+"], notPaths: ["regex:/aaa.*"] }),
      [at("/exact"), at("/a"), at("/aa")],
      [at("/aaa"), at("/b")],
    ],
    [
      "are found among many",
      to({ paths: many(200) }),
      [at("/item-0/1"), at("/item-199/22")],
      [at("/item-200/1"), at("/item-1/x")],
    ],
    [
      "that deny stop what is not UTF-8",
      deny(when("request.headers[x-name]", { values: ["regex:root.*"] })),
      [header("x-name", `a${LATIN}`), header("x-name", "a-root")],
      [header("x-name", "root!"), header("x-name", `root${LATIN}`)],
    ],
    [
      "that allow do not let pass what is not UTF-8",
      when("request.headers[x-name]", { values: ["regex:user.*"] }),
      [header("x-name", "user7")],
      [header("x-name", `user${LATIN}`)],
    ],
    [
      "that allow do not let pass what only looks like UTF-8",
      when("request.headers[x-name]", { values: ["regex:user.*"] }),
      [header("x-name", "user\xc3\xa9")],
      [header("x-name", "user\xe0\x80\xaf"), header("x-name", "user\xed\xa0\x80")],
    ],
    [
      "that deny stop several lines",
      deny(when("request.query[q]", { values: ["regex:.*drop.*"] })),
      [at("/?q=%0Adrip")],
      [at("/?q=drop"), at("/?q=a%0Adrop%0A")],
    ],
    [
      "may quote up to their end",
      deny(to({ hosts: ["regex:\\QEvil.example"] })),
      [header("host", "evil-example")],
      [header("host", "evil.EXAMPLE")],
    ],
    [
      "that must not match stop what is not UTF-8",
      when("request.headers[x-name]", { values: ["*"], notValues: ["regex:.*root.*"] }),
      [header("x-name", "user")],
      [header("x-name", "my-root"), header("x-name", `a${LATIN}`)],
    ],
  ])("%s", async (_, policy, allowed, denied) => {
    await using host = await start(proxy(policy));
    const status = async ({ path = "/", ...options }: Call) => (await host.fetch(path, options)).status;
    for (const call of allowed) expect([call, await status(call)]).toEqual([call, 200]);
    for (const call of denied) expect([call, await status(call)]).toEqual([call, 403]);
  });

  it("are texts as in Istio, with a warning, unless they are asked for", async () => {
    await using host = await start(proxy(when("request.headers[x-a]", { values: ["regex:a+"] }), {}));
    await host.waitForLog(/rules\[0\]\.when\[0\]\.values\[0\].*with options\.regex it would be a regular expression/);
    expect((await host.fetch("/", header("x-a", "aa"))).status).toBe(403);
    expect((await host.fetch("/", header("x-a", "regex:a+"))).status).toBe(200);
  });

  describe("reject a configuration", () => {
    it.each<[string, object, string]>([
      ["that is none", to({ paths: ["regex:/a("] }), "paths[0]: column 3: the group is not closed"],
      ["for ports", to({ ports: ["regex:80+"] }), "ports[0]: cannot be a regular expression"],
      [
        "that has no end in front of others",
        { rules: [{ from: [{ source: { principals: ["regex:\\Qa"] } }] }] },
        "principals[0]: column 10: the group is not closed",
      ],
      [
        "that leaves what is around it",
        { rules: [{ from: [{ source: { principals: ["regex:a)|(?:b"] } }] }] },
        "principals[0]: column 2: ')' closes no group",
      ],
      [
        "for namespaces",
        { rules: [{ from: [{ source: { namespaces: ["regex:a"] } }] }] },
        "namespaces[0]: cannot be a regular expression",
      ],
      [
        "for request principals",
        { rules: [{ from: [{ source: { requestPrincipals: ["regex:a"] } }] }] },
        "requestPrincipals[0]: cannot be a regular expression",
      ],
    ])("%s", async (_, policy, message) => {
      await expect(start(proxy(policy))).rejects.toThrow(message);
    });
  });
});
