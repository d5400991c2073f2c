import { startEmulator, type HostOptions, type RequestOptions } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";
import { Dice } from "../../test/conformance/dice.ts";

const module = new URL("build/plugin.wasm", import.meta.url);
const destination = [{ destination: { host: "app" } }];

function proxy(configuration: unknown, more: Partial<HostOptions> = {}): HostOptions {
  return { plugins: [{ module, configuration }], clusters: { app: () => ({}) }, ...more };
}

describe("a request", () => {
  /** Host functions that the second of two requests calls: the first one shows what to fetch at once. */
  async function hostCalls(configuration: unknown, options: RequestOptions = {}): Promise<string[]> {
    await using host = await startEmulator(proxy(configuration, { logLevel: "trace" }));
    await host.fetch("/a", options);
    const before = host.transcript.length;
    await host.fetch("/a", options);
    return host.transcript.slice(before).flatMap((line) => /^\[vm->host\] env\.(\w+)/.exec(line)?.[1] ?? []);
  }
  const read = "proxy_get_header_map_pairs";
  const write = "proxy_replace_header_map_value";

  it.each([
    [
      "one of 2,000 routes by header",
      Array.from({ length: 2000 }, (_, i) => ({ headers: { "x-r": { exact: `r${i}` } } })),
    ],
    [
      "one of 2,000 routes by path",
      Array.from({ length: 2000 }, (_, i) => ({ uri: { exact: i === 7 ? "/a" : `/${i}` } })),
    ],
    [
      "a route by a little of everything",
      [
        { uri: { regex: "/x.*" }, queryParams: { q: {} } },
        { authority: { prefix: "b" }, cookies: { c: {} } },
        { uri: { prefix: "/" }, withoutHeaders: { "x-bot": {} } },
      ],
    ],
  ])("costs two host calls to take %s", async (_, matches) => {
    const http = matches.map((match) => ({ match: [match], route: destination }));
    const [first, ...others] = await hostCalls({ http }, { headers: { "x-r": "r1999" } });
    expect([read, "proxy_get_header_map_value"]).toContain(first);
    expect(others).toEqual([write]);
  });

  it("has its port read once, whatever the number of routes that ask for it", async () => {
    const http = [1, 2, 3].map((port) => ({ match: [{ port }], route: destination }));
    expect(await hostCalls({ http: [...http, { route: destination }] })).toEqual(["proxy_get_property", write]);
  });

  it("that no route takes is not changed", async () => {
    expect(await hostCalls({ http: [{ match: [{ uri: { exact: "/b" } }], route: destination }] })).toEqual([read]);
  });
});

eachHost("header-routing", (start) => {
  it("survives hostile requests", async () => {
    const match = {
      uri: { regex: "/(a|b)*c?.*" },
      headers: { "x-h": { regex: "(x+x+)+y" } },
      queryParams: { q: { prefix: "1" } },
      cookies: { c: {} },
    };
    const http = [
      { match: [match, { uri: { exact: "/never" } }], route: destination },
      {
        match: [{ uri: { prefix: "/a" }, ignoreUriCase: true }],
        rewrite: { uriRegexRewrite: { match: "(/[^/]*)+?", rewrite: "\\1\\1" } },
        route: destination,
      },
      { match: [{ headers: { "x-h": {} } }], redirect: { scheme: "https", prefixRewrite: "/p" } },
      { route: destination },
    ];
    const options = { stickyBy: [{ cookie: "c" }, { header: "x-h" }] };
    await using host = await start(proxy({ hosts: ["*"], http, options }));
    const dice = new Dice(1);
    const bytes = (size: number) =>
      String.fromCharCode(...Array.from({ length: size }, () => 0x80 + Math.floor(dice.next() * 0x80)));
    const requests: [string, RequestOptions][] = [
      [`/a?${Array.from({ length: 1000 }, (_, i) => `p${i}=${i}`).join("&")}&q=1`, {}],
      [`/${"a".repeat(30_000)}`, {}],
      [`/a${"/".repeat(5000)}`, {}],
      ["/a", { headers: { "x-h": `${"x".repeat(20_000)}`, cookie: `c=${";=".repeat(5000)}` } }],
      ["/", { headers: Array.from({ length: 80 }, (_, i): [string, string] => ["x-h", String(i)]) }],
      ["/", { headers: { "x-h": bytes(2000), cookie: bytes(500), host: "a:b:c:" } }],
      ["/a?q=%zz&&==&q", { headers: { host: ":" } }],
    ];
    for (const [path, request] of requests) {
      const outcome = await host.fetch(path, request).then(
        ({ status }) => status,
        () => 0,
      );
      expect([200, 301, 400, 431, 0]).toContain(outcome);
    }
    expect((await host.fetch("/fine")).status).toBe(200);
    expect(host.logs.filter(({ source }) => source === "proxy")).toEqual([]);
  });
});
