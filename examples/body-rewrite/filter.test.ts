import { eachHost } from "@attache/harness/vitest";
import type { UpstreamResponse } from "@attache/harness";
import { expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);
const json = { "content-type": "application/json" };

eachHost("body rewrite", (start) => {
  async function answer(response: UpstreamResponse, configuration: unknown = {}) {
    await using host = await start({ plugins: [{ module, configuration }], clusters: { app: () => response } });
    return await host.fetch("/", { headers: { "accept-encoding": "gzip", range: "bytes=0-9" } });
  }

  it.each([
    ['{"card": "4111 1111 1111 1111", "id": 1}', '{"card": "**** **** **** 1111", "id": 1}'],
    ['{"card": 5500005555555559}', '{"card": ************5559}'],
    ["378282246310005 and 6011-1111-1111-1117", "***********0005 and ****-****-****-1117"],
    ['{"order": "4111 1111 1111 1112"}', '{"order": "4111 1111 1111 1112"}'],
    ["+49 30 123456", "+49 30 123456"],
    ["", ""],
  ])("makes %s into %s", async (body, expected) => {
    expect((await answer({ headers: json, body })).text()).toBe(expected);
  });

  it("finds a number that comes in two pieces", async () => {
    const response = await answer({ headers: json, body: ["[41111111", "11111111]"] });
    expect(response.text()).toBe("[************1111]");
  });

  it("leaves other content alone", async () => {
    const body = Buffer.from("\xff4111111111111111", "latin1");
    const headers = { "content-type": "image/png", "content-length": String(body.length) };
    const response = await answer({ headers, body });
    expect(Buffer.from(response.body)).toEqual(body);
    expect(response.header("content-length")).toBe(String(body.length));
  });

  it("asks the upstream for what it can read, and refuses what it cannot", async () => {
    await using host = await start({
      plugins: [{ module }],
      clusters: { app: () => ({ headers: { ...json, "content-encoding": "gzip" }, body: "4111111111111111" }) },
    });
    const response = await host.fetch("/", { headers: { "accept-encoding": "gzip", range: "bytes=0-9" } });
    expect([response.status, response.text()]).toEqual([502, "the response is compressed"]);
    const [request] = host.requests("app");
    expect([request!.header("accept-encoding"), request!.header("range")]).toEqual([null, null]);
  });

  it("refuses a response that is too large rather than letting numbers through", async () => {
    const body = "4111111111111111";
    const headers = { ...json, "content-length": "16" };
    expect((await answer({ headers, body }, { maxBytes: 15 })).status).toBe(502);
    await expect(answer({ headers: json, body: ["41111111", "11111111"] }, { maxBytes: 15 })).rejects.toThrow();
  });
});
