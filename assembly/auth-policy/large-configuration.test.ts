import { startEmulator } from "@attache/harness";
import { expect, it } from "vitest";
import { compileFilter } from "../../test/compile-filter.ts";

const MIB = 1024 * 1024;

// In the emulator only: the module counts what it allocates, which no host changes.
it("ten thousand rules are read within 16 MiB, and keep less than half of it", async () => {
  const module = await compileFilter(`
import { ConfigReader, HttpFilter, log, registerPlugin } from "@attache/sdk";
import { AuthPolicy } from "../../../../assembly/auth-policy/auth-policy";
export * from "@attache/sdk/proxy";

class Counting extends AuthPolicy {
  override configure(config: ConfigReader): void {
    super.configure(config);
    log.info("read with " + __allocatedBytes().toString());
  }
  // What reading has left behind is collected by now.
  override createFilter(): HttpFilter {
    log.info("keeps " + __allocatedBytes().toString());
    return super.createFilter();
  }
}
registerPlugin(() => new Counting());
`);
  const rules = Array.from({ length: 10_000 }, (_, i) => ({
    to: [{ operation: { paths: [`/path-${i}`], methods: ["GET"] } }],
  }));
  const configuration = { authorizationPolicies: [{ name: "large", namespace: "shop", rules }] };
  await using host = await startEmulator({
    plugins: [{ module, configuration }],
    clusters: { app: () => ({ body: "app" }) },
  });
  expect((await host.fetch("/path-9999")).status).toBe(200);
  expect((await host.fetch("/path-10000")).status).toBe(403);
  const bytes = (what: string) => {
    const line = host.logs.map(({ message }) => message).find((message) => message.includes(what));
    return Number(/\d+$/.exec(line ?? "")![0]);
  };
  expect(bytes("read with")).toBeLessThan(16 * MIB);
  expect(bytes("keeps")).toBeLessThan(8 * MIB);
});
