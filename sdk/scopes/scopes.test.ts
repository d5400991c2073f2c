import type { RequestOptions } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

/** Answers with the text that is configured for a request; what it leaves alone the upstream answers. */
const source =
  filterSource(
    `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const answer = this.plugin.answers!.find(headers);
    if (answer === null) return FilterHeaders.Continue;
    new LocalReply(200).text(answer.text).send();
    return FilterHeaders.StopIteration;
  }`,
    `answers: Scopes<Answer> | null = null;
  override configure(config: ConfigReader): void {
    this.answers = new Scopes<Answer>(config, (config) => new Answer(config));
  }`,
  ).replace("import {", "import { Scopes,") +
  `
class Answer {
  readonly text: string;
  constructor(config: ConfigReader) {
    this.text = config.required("text").asString();
  }
}`;

const rule = (match: unknown, text: string) => ({ match, config: { text } });

eachHost("scopes", (start) => {
  let module: Uint8Array;
  beforeAll(async () => {
    module = await compileFilter(source);
  });

  const started = async (configuration: unknown) =>
    await start({
      plugins: [{ module, configuration }],
      clusters: { app: () => ({ body: "upstream" }) },
      routes: [
        { name: "search-v1", match: { prefix: "/search" }, cluster: "app" },
        { name: "rest", match: { prefix: "/" }, cluster: "app" },
      ],
    });

  it("takes the first rule that is for a request, and the configuration around for all others", async () => {
    await using host = await started({
      text: "otherwise",
      rules: [
        rule({ hosts: ["shop.example.com", "10.0.0.1"] }, "host"),
        { match: { paths: [{ pathSeparatedPrefix: "/health" }] }, disabled: true },
        rule({ hosts: ["*.Example.com"], paths: [{ exact: "/a" }, { prefix: "/b/" }] }, "hosts and paths"),
        rule({ hosts: ["*.example.com"] }, "hosts"),
        rule({ routes: [{ prefix: "search-" }] }, "route"),
        rule({ headers: { "X-Tenant": { exact: "gold" }, "x-any": {} } }, "headers"),
        rule({ paths: [{ suffix: ".js" }], headers: { ":method": { exact: "POST" } } }, "script"),
        rule({ paths: [{ exact: "/never" }], ports: [1] }, "port"),
        rule({ paths: [{ exact: "/b" }, {}], headers: { "x-b": { suffix: "b" } } }, "any path"),
      ],
    });
    const cases: [string, RequestOptions["headers"], string][] = [
      ["/", {}, "otherwise"],
      ["/health/a", { host: "shop.example.com" }, "host"],
      ["/", { host: "SHOP.example.com:8080" }, "host"],
      ["/", { host: "shop.example.com." }, "host"],
      ["/", { host: "10.0.0.1:80" }, "host"],
      ["/", { host: "10.0.0.10" }, "otherwise"],
      ["/", { host: "shop.example.com.evil" }, "otherwise"],
      ["/health", {}, "upstream"],
      ["/health?x", { host: "a.example.com" }, "upstream"],
      ["/health/a", {}, "upstream"],
      ["/healthy", {}, "otherwise"],
      ["/a", { host: "a.b.example.com" }, "hosts and paths"],
      ["/b/x", { host: "A.EXAMPLE.COM" }, "hosts and paths"],
      ["/a/", { host: "a.example.com" }, "hosts"],
      ["/a", { host: "example.com" }, "otherwise"],
      ["/a", { host: ".example.com" }, "hosts and paths"],
      ["/search?q", {}, "route"],
      ["/", { "x-tenant": "gold", "x-any": "" }, "headers"],
      ["/", { "x-tenant": ["silver", "gold"], "x-any": "1" }, "headers"],
      ["/", { "x-tenant": "Gold", "x-any": "1" }, "otherwise"],
      ["/", { "x-tenant": "gold" }, "otherwise"],
      ["/a.js", {}, "otherwise"],
      ["/never", {}, "otherwise"],
      ["/x", { "x-b": "ab" }, "any path"],
      ["/x", { "x-b": "ba" }, "otherwise"],
    ];
    const found = [];
    for (const [path, headers = {}] of cases) found.push((await host.fetch(path, { headers })).text());
    expect(found).toEqual(cases.map(([, , text]) => text));
    expect((await host.fetch("/a.js?b", { method: "POST" })).text()).toBe("script");
  });

  it("matches on the port that clients connect to", async () => {
    const ports = Array.from({ length: 65_535 }, (_, index) => index + 1);
    await using host = await started({ text: "otherwise", rules: [rule({ ports }, "port"), rule({}, "all")] });
    expect((await host.fetch("/")).text()).toBe("port");
  });

  it("takes every request for a rule without a match", async () => {
    const rules = [{ config: { text: "rule" } }, { disabled: true }];
    await using host = await started({ text: "otherwise", rules });
    expect((await host.fetch("/")).text()).toBe("rule");
  });

  it("can leave alone what no rule is for", async () => {
    await using host = await started({ disabled: true, later: 1, rules: [rule({ paths: [{ exact: "/a" }] }, "a")] });
    expect((await host.fetch("/a")).text()).toBe("a");
    expect((await host.fetch("/b")).text()).toBe("upstream");
  });

  it("reads what is switched off, too, but does not use it", async () => {
    const off = { disabled: true, config: { text: "off" } };
    await using host = await started({ text: "otherwise", rules: [off] });
    expect((await host.fetch("/")).text()).toBe("upstream");
    const wrong = { text: "otherwise", rules: [{ disabled: true, config: { txt: "off" } }] };
    await expect(started(wrong)).rejects.toThrow(/rules\[0\]\.config\.text: is required[^]*config\.txt: unknown field/);
  });

  it.each<[unknown, RegExp]>([
    [{ match: {} }, /rules\[0\]: must have config, or "disabled": true/],
    [{ match: { hosts: [] }, disabled: true }, /rules\[0\]\.match\.hosts: cannot be empty/],
    [{ match: { ports: [] }, disabled: true }, /rules\[0\]\.match\.ports: cannot be empty/],
    [{ match: { paths: {} }, disabled: true }, /rules\[0\]\.match\.paths: expected an array/],
    [{ match: { paths: ["/a"] }, disabled: true }, /paths\[0\]: expected an object, found the string "\/a"/],
    [{ match: { paths: [{ regex: "/" }] }, disabled: true }, /paths\[0\]\.regex: unknown field/],
    [{ match: { paths: [{ exact: "/", prefix: "/" }] }, disabled: true }, /paths\[0\]: only one of exact, prefix/],
    [{ match: { paths: [{ pathSeparatedPrefix: "/a/" }] }, disabled: true }, /must start with \/ and not end with it/],
    [{ match: { routes: [{ pathSeparatedPrefix: "/a" }] }, disabled: true }, /pathSeparatedPrefix: unknown field/],
    [{ match: { hosts: ["a.*"] }, disabled: true }, /hosts\[0\]: must be a name, \* or \*\. and a name/],
    [{ match: { hosts: [""] }, disabled: true }, /hosts\[0\]: must be a name/],
    [{ match: { hosts: ["a.example:80"] }, disabled: true }, /hosts\[0\]: must be a name/],
    [{ match: { hosts: ["a.example."] }, disabled: true }, /hosts\[0\]: must be a name/],
    [{ match: { headers: {} }, disabled: true }, /rules\[0\]\.match\.headers: cannot be empty/],
    [{ match: { host: ["a"] }, disabled: true }, /match\.host: unknown field, did you mean "hosts"\?/],
    [{ match: { ports: [0] }, disabled: true }, /ports\[0\]: expected an integer from 1 to 65535/],
    [{ match: { headers: { "": {} } }, disabled: true }, /a name cannot be empty/],
  ])("refuses the rule %j", async (wrong, message) => {
    await expect(started({ text: "a", rules: [wrong] })).rejects.toThrow(message);
  });
});
