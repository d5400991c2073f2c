import { createHash } from "node:crypto";
import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);
const sha256 = (key: string) => createHash("sha256").update(key).digest("hex");
const configuration = {
  clients: [
    { name: "ada", sha256: sha256("key of ada") },
    { name: "grace", sha256: sha256("key of grace") },
  ],
};

eachHost("API key", (start) => {
  const app = () => ({ body: "secret" });

  it.each(["ada", "grace"])("lets in %s, by the name of the client and without the key", async (name) => {
    await using host = await start({ plugins: [{ module, configuration }], clusters: { app } });
    const headers = { "x-api-key": `key of ${name}`, "x-client": "root" };
    expect((await host.fetch("/", { headers })).text()).toBe("secret");
    const [request] = host.requests("app");
    expect([request!.header("x-client"), request!.header("x-api-key")]).toEqual([name, null]);
  });

  it.each<[string, Record<string, string | string[]>]>([
    ["none", {}],
    ["an empty one", { "x-api-key": "" }],
    ["a wrong one", { "x-api-key": "key of nobody" }],
    ["two at once", { "x-api-key": ["key of ada", "key of ada"] }],
    ["one in a header of another name", { authorization: "key of ada" }],
  ])("turns away who brings %s", async (_, headers) => {
    await using host = await start({ plugins: [{ module, configuration }], clusters: { app } });
    const response = await host.fetch("/", { headers });
    expect([response.status, response.header("www-authenticate")]).toEqual([401, "ApiKey"]);
    expect(host.requests("app")).toEqual([]);
  });

  it.each<[unknown, RegExp]>([
    [{}, /clients: is required/],
    [{ clients: [{ name: "ada", sha256: "key of ada" }] }, /clients\[0\]\.sha256: is no SHA-256/],
    [{ clients: [{ sha256: sha256("a") }], heder: "x-key" }, /clients\[0\]\.name: is required[^]*heder: .*"header"/],
  ])("refuses the configuration %j", async (wrong, message) => {
    await expect(start({ plugins: [{ module, configuration: wrong }] })).rejects.toThrow(message);
  });
});
