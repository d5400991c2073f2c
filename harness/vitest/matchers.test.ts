import { expect, it } from "vitest";
import { startEmulator } from "../index.ts";
import { guest } from "../testing/guest.ts";
import { eachHost, stable } from "./index.ts";

const module = await guest((w) => ({
  proxy_on_request_headers: `(drop ${w.call("proxy_define_metric", 0, ["seen"], 0)})
    (drop (call $proxy_increment_metric (i32.load (i32.const 0)) (i64.const 1))) ${w.log("seen one")} (i32.const 0)`,
}));
const clusters = { up: () => ({ headers: { "x-up": "yes" }, body: "hello" }) };

eachHost("matchers", (start) => {
  it("look at responses", async () => {
    await using host = await start({ plugins: [{ module }], clusters });
    const response = await host.fetch("/");
    expect(response).toHaveStatus(200);
    expect(response).not.toHaveStatus(404);
    expect(response).toHaveHeader("x-up");
    expect(response).toHaveHeader("X-Up", "yes");
    expect(response).toHaveHeader("x-up", /^y/);
    expect(response).not.toHaveHeader("x-up", "ye");
    expect(response).toHaveBody("hello");
    expect(response).toHaveBody(/ell/);
    expect(response).not.toHaveBody("ell");
  });

  it("wait for logs and metrics", async () => {
    await using host = await start({ plugins: [{ module }], clusters });
    await host.fetch("/");
    await expect(host).toHaveLogged("seen one");
    await expect(host).toHaveLogged(/^seen/, { level: "info" });
    await expect(host).not.toHaveLogged("seen one", { level: "warn" });
    await expect(host).toHaveMetric("seen", 1);
    await expect(host).not.toHaveMetric("seen", 2);
  });

  it("compare what is the same in every run", async () => {
    await using host = await start({ plugins: [{ module }], clusters, logLevel: "trace" });
    await host.fetch("/");
    expect(stable(host.transcript).slice(-8)).toMatchInlineSnapshot(`
      [
        "[host->vm] proxy_on_request_headers(2, 6, 1)",
        "[vm->host] env.proxy_define_metric(0, *, 4, *)",
        "[vm<-host] env.proxy_define_metric return: 0",
        "[vm->host] env.proxy_increment_metric(4, 1)",
        "[vm<-host] env.proxy_increment_metric return: 0",
        "[vm->host] env.proxy_log(2, *, 8)",
        "[vm<-host] env.proxy_log return: 0",
        "[host<-vm] proxy_on_request_headers return: 0",
      ]
    `);
  });
});

it("say what they found", async () => {
  await using host = await startEmulator({ plugins: [{ module }], clusters });
  const response = await host.fetch("/");
  const complaint = (check: () => void) => expect(check);
  complaint(() => expect(response).toHaveStatus(404)).toThrow('expected status 404, got 200 "hello"');
  complaint(() => expect(response).toHaveHeader("x-down")).toThrow(
    /expected a header x-down, got 200 "hello"\n {2}x-up: yes/,
  );
  complaint(() => expect(response).not.toHaveBody(/l/)).toThrow('expected not the body /l/, got 200 "hello"');
  await expect(expect(host).not.toHaveLogged("one")).rejects.toThrow(
    'expected not a line with "one", got 1 lines:\n  info seen one',
  );
  await expect(expect(host).not.toHaveMetric("seen", 1)).rejects.toThrow("expected metric seen to be not 1, got 1");
  expect(host).toHaveNoDiagnostics();
});
