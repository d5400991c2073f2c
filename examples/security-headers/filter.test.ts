import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);
const clusters = { app: () => ({ headers: { "x-frame-options": "ALLOWALL" }, body: "page" }) };
const configuration = {
  headers: { "x-frame-options": "DENY", "content-security-policy": "default-src 'self'; report-uri ${REPORTS}" },
  rules: [
    { match: { paths: [{ pathSeparatedPrefix: "/health" }] }, disabled: true },
    {
      match: { hosts: ["*.partner.example"], paths: [{ prefix: "/embed/" }] },
      config: { headers: { "x-frame-options": "ALLOW-FROM https://partner.example" } },
    },
  ],
};
const environment = { REPORTS: "https://reports.example/csp" };

eachHost("security headers", (start) => {
  it.each<[string, string, string, string | null]>([
    ["/", "shop.example", "DENY", "default-src 'self'; report-uri https://reports.example/csp"],
    ["/embed/map", "www.partner.example", "ALLOW-FROM https://partner.example", null],
    ["/embed/map", "shop.example", "DENY", "default-src 'self'; report-uri https://reports.example/csp"],
    ["/health/live", "www.partner.example", "ALLOWALL", null],
  ])("are those for %s of %s", async (path, authority, framing, policy) => {
    await using host = await start({ plugins: [{ module, configuration, environment }], clusters });
    const response = await host.fetch(path, { headers: { host: authority } });
    expect(response.header("x-frame-options")).toBe(framing);
    expect(response.header("content-security-policy")).toBe(policy);
  });

  it.each<[unknown, RegExp]>([
    [configuration, /headers\.content-security-policy: the environment variable REPORTS is not set/],
    [{ headers: { "a b": "c" } }, /headers\["a b"\]: is no name of a header/],
    [{ headers: { a: "b\n" } }, /headers\.a: cannot stand in a header/],
    [{ rules: [{ match: { host: ["a"] }, disabled: true }] }, /rules\[0\]\.match\.host: unknown field/],
  ])("refuses the configuration %j", async (wrong, message) => {
    await expect(start({ plugins: [{ module, configuration: wrong }] })).rejects.toThrow(message);
  });
});
