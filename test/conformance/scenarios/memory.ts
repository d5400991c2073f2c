import type { Scenario, ScenarioPlugin } from "../scenario.ts";
import { only } from "./callbacks.ts";

/** Grows by each number of pages in turn, and logs what that answers and the size at the end. */
function growing(...pages: number[]): ScenarioPlugin["guest"] {
  return only("proxy_on_request_headers", (w) =>
    [
      ...pages.map((count) => w.show(`grow ${count}`, `(memory.grow (i32.const ${count}))`)),
      w.show("pages", "(memory.size)"),
    ].join(" "),
  );
}

const refused: readonly [what: string, memory: string][] = [
  ["defines a memory", `(memory (export "memory") 16385)`],
  ["defines a memory of all addresses", `(memory (export "memory") 65536)`],
  ["imports a memory", `(import "env" "memory" (memory 16385))`],
];

/** A guest gets 1 GiB: 16,384 pages. */
export const memoryScenarios: readonly Scenario[] = [
  ...(
    [
      ["to 1 GiB", `(memory (export "memory") 2)`, [16_382, 1]],
      ["beyond 1 GiB at once", `(memory (export "memory") 2)`, [16_383, 1]],
      ["beyond 1 GiB where it says it may", `(memory (export "memory") 2 30000)`, [20_000, 16_382, 1]],
      ["beyond its own maximum", `(memory (export "memory") 2 3)`, [2, 1, 1]],
      ["from 1 GiB on", `(memory (export "memory") 16384)`, [0, 1]],
      ["an imported memory to 1 GiB", `(import "env" "memory" (memory 2))`, [16_382, 1]],
      ["an imported memory with a maximum", `(import "env" "memory" (memory 2 30000))`, [20_000, 16_382, 1]],
      ["a second memory", `(memory (export "memory") 2) (memory $other 1)`, [0]],
    ] as const
  ).map(([what, memory, pages]): Scenario => ({
    covers: ["load: memory limit"],
    name: `memory: a guest grows ${what}`,
    plugins: [{ memory, guest: growing(...pages) }],
    statuses: [200],
    logs: ["pages="],
  })),
  ...refused.map(([what, memory]): Scenario => ({
    covers: ["load: memory limit"],
    name: `memory: a guest that ${what} larger than 1 GiB is refused`,
    plugins: [{ memory, guest: growing(0) }],
  })),
];
