import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);
const limit = { name: "all", limit: 10, per: "1h" };

eachHost("rate-limit's environment variables", (start) => {
  const started = async (configuration: object, environment: Record<string, string>) =>
    await start({ plugins: [{ module, configuration, environment }] });

  it("tell how many proxies divide the limits", async () => {
    await using host = await started({ limits: [limit], replicas: "${REPLICAS:-1}" }, { REPLICAS: "5" });
    const statuses = [];
    for (let request = 0; request < 3; request++) statuses.push((await host.fetch("/")).status);
    expect(statuses).toEqual([200, 200, 429]);
  });

  it("hold secrets, which no message shows", async () => {
    const environment = { SECRET: "s3cr3t-value" };
    const rejected = started({ limits: [limit], keySecret: "${SECRET}", domain: "${SECRET}", evaluation: "${SECRET}" }, environment); // prettier-ignore
    await expect(rejected).rejects.toThrow(/keySecret: must have at least 16 characters/);
    await expect(rejected).rejects.toThrow(
      /evaluation: expected one of "all", "first", found the string "\$\{SECRET\}"/,
    );
    await expect(rejected).rejects.not.toThrow(/s3cr3t/);
  });
});
