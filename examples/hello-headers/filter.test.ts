import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);

eachHost("hello headers", (start) => {
  it("adds a header to every response of the upstream", async () => {
    await using host = await start({ plugins: [{ module }], clusters: { app: () => ({ body: "from the app" }) } });
    const response = await host.fetch("/");
    expect(response.header("x-hello")).toBe("world");
    expect(response.text()).toBe("from the app");
  });

  it("adds it to the proxy's own answers too", async () => {
    await using host = await start({ plugins: [{ module }], routes: [] });
    const response = await host.fetch("/");
    expect(response.status).toBe(404);
    expect(response.header("x-hello")).toBe("world");
  });
});
