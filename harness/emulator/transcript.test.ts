import { expect, it } from "vitest";
import { runGuest } from "../testing/run.ts";

it("is what Envoy prints at wasm:trace", async () => {
  await using host = await runGuest(
    (w) => ({
      proxy_on_configure: "(i32.const 1)",
      proxy_on_request_headers: `${w.add(0, "x-a", "1")} ${w.logValue(0, ":method")} (i32.const 0)`,
      proxy_on_done: "(i32.const 1)",
      proxy_on_delete: "",
    }),
    { logLevel: "trace", clusters: {} },
  );
  await host.fetch("/");
  // As printed by Envoy 1.40.0 for this guest.
  const configured = ["[host->vm] proxy_on_configure(1, 0)", "[host<-vm] proxy_on_configure return: 1"];
  expect(host.transcript).toEqual([
    ...configured,
    ...configured,
    ...configured,
    "[host->vm] proxy_on_request_headers(2, 6, 1)",
    "[vm->host] env.proxy_add_header_map_value(0, 4096, 3, 4099, 1)",
    "[vm<-host] env.proxy_add_header_map_value return: 0",
    "[vm->host] env.proxy_get_header_map_value(0, 4100, 7, 0, 4)",
    "[host->vm] malloc(3)",
    "[host<-vm] malloc return: 32768",
    "[vm<-host] env.proxy_get_header_map_value return: 0",
    "[vm->host] env.proxy_log(2, 16384, 11)",
    "[vm<-host] env.proxy_log return: 0",
    "[host<-vm] proxy_on_request_headers return: 0",
    "[host->vm] proxy_on_done(2)",
    "[host<-vm] proxy_on_done return: 1",
    "[host->vm] proxy_on_delete(2)",
    "[host<-vm] proxy_on_delete return: void",
  ]);
});
