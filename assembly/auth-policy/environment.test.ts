import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);

eachHost("auth-policy's environment variables", (start) => {
  const started = async (values: unknown, environment: Record<string, string>) => {
    const policy = { name: "p", namespace: "foo", rules: [{ to: [{ operation: { paths: values } }] }] };
    const configuration = { authorizationPolicies: [policy] };
    return await start({ plugins: [{ module, configuration, environment }], clusters: { app: () => ({}) } });
  };

  it("stand in policies", async () => {
    await using host = await started(["${OPEN}/*"], { OPEN: "/public" });
    expect((await host.fetch("/public/a")).status).toBe(200);
    expect((await host.fetch("/private")).status).toBe(403);
  });

  it("are shown by their names where the filter says what is wrong", async () => {
    const rejected = started(["/${SECRET}/{*"], { SECRET: "s3cr3t-value" });
    await expect(rejected).rejects.toThrow(/paths\[0\]: invalid or unsupported path \/\$\{SECRET\}\/\{\*/);
    await expect(rejected).rejects.not.toThrow("s3cr3t");
  });
});
