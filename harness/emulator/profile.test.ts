import { expect, it } from "vitest";
import { guest } from "../testing/guest.ts";
import { startEmulator } from "./emulator.ts";

const module = await guest((w) => ({
  proxy_on_request_headers: `${w.add(0, "x-a", "12345")} ${w.logValue(0, "x-a")} (i32.const 0)`,
  proxy_on_response_headers: "(i32.const 0)",
}));

it("tells what each callback costs", async () => {
  await using host = await startEmulator({ plugins: [{ module, name: "filter" }], profile: true });
  await host.fetch("/");
  await host.fetch("/");
  const [request] = host.profile.filter(({ callback }) => callback === "proxy_on_request_headers");
  // Adding copies name and value; reading the name and the value; logging a line.
  const copied = 3 + 5 + 3 + 5 + "x-a=12345".length;
  expect(request).toMatchObject({ plugin: "filter", calls: 2, hostCalls: 6, bytesCopied: 2 * copied });
  expect(request!.nanoseconds).toBeGreaterThan(0);
  const response = host.profile.find(({ callback }) => callback === "proxy_on_response_headers");
  expect(response).toMatchObject({ calls: 2, hostCalls: 0, bytesCopied: 0 });
});

it("tells nothing unless it is asked to", async () => {
  await using host = await startEmulator({ plugins: [{ module }] });
  await host.fetch("/");
  expect(host.profile).toEqual([]);
});

it("fails a test whose filters did what is most likely a mistake, if that is wanted", async () => {
  const twice = await guest((w) => ({ proxy_on_request_headers: `${w.reply(403)} ${w.reply(404)} (i32.const 0)` }));
  const run = async (failOnDiagnostics: boolean) => {
    await using host = await startEmulator({ plugins: [{ module: twice, name: "hasty" }], failOnDiagnostics });
    await host.fetch("/");
  };
  await expect(run(true)).rejects.toThrow(/^filters did what is most likely a mistake:\n {2}LOCAL_REPLY_TWICE hasty: /);
  await run(false);
});
