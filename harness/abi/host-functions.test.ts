import { table } from "@attache/abi";
import { expect, it } from "vitest";
import { guest } from "../testing/guest.ts";
import { run } from "../testing/run.ts";

it("supplies every function of the ABI table", async () => {
  // Importing is enough: a module with an import that is not supplied does not start.
  const calls = [...table.hostFunctions, ...table.wasiFunctions]
    .filter((entry) => !("versions" in entry) || (entry.versions as string[]).includes("0.2.1"))
    .map((entry) => {
      const args = entry.params.map((param) => `(${param.type}.const 0)`).join(" ");
      return entry.result === null ? `(call $${entry.name} ${args})` : `(drop (call $${entry.name} ${args}))`;
    });
  const module = await guest(() => ({}), { module: `(func $unused ${calls.join("\n")})` });
  await using host = await run({ module });
  expect((await host.fetch("/")).status).toBe(200);
});

it.each(["0.1.0", "0.2.0", "0.2.1"] as const)("runs guests of ABI %s", async (abi) => {
  const module = await guest(
    (w) => ({ proxy_on_request_headers: `${w.logValue(0, "nope")} ${w.add(0, "x-a", "1")} (i32.const 0)` }),
    { abi },
  );
  await using host = await run({ module });
  await host.fetch("/");
  expect(host.requests("up")[0]!.header("x-a")).toBe("1");
  expect(host.messages).toEqual([abi === "0.1.0" ? "nope=" : "nope!1"]);
});
