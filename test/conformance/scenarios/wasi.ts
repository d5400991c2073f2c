import { parameterTypes, table } from "@attache/abi";
import type { GuestWriter } from "../../../harness/testing/guest.ts";
import type { Scenario } from "../scenario.ts";
import { whenRequested } from "./callbacks.ts";

/** The guest's memory ends here. */
const end = 131072;
const out = [64, 72, 80];

/**
 * Arguments of a call: the file where there is one, addresses of words that are free for the others. `outside` puts
 * every pointer out of memory.
 */
function callOf(w: GuestWriter, name: string, file: number, outside: boolean): string {
  const entry = table.wasiFunctions.find((known) => known.name === name)!;
  const types = parameterTypes(entry, "0.2.1");
  let words = 0;
  return w.call(
    name,
    ...types.map((type, i): number | bigint => {
      if (type === "i64") return 0n;
      const { name: param } = entry.params[i]!;
      if (/^(fd|to|new_fd|old_fd)/.test(param)) return file;
      if (/ptr|out|buf|iovs|array|argv|path/.test(param)) return outside ? end : out[words++ % out.length]!;
      return 0;
    }),
  );
}

const skipped = new Set(["proc_exit", "random_get", "environ_get", "environ_sizes_get", "clock_time_get", "fd_write"]);

/** Every function, of standard output, standard error and a file that is not there; with pointers in memory and outside. */
const results: Scenario[] = table.wasiFunctions
  .filter(({ name }) => !skipped.has(name))
  .map(({ name }) =>
    whenRequested(`wasi: ${name}`, ["wasi: results"], (w) =>
      [1, 2, 3]
        .flatMap((file) =>
          [false, true].map(
            (outside) => `${out.map((at) => `(i64.store (i32.const ${at}) (i64.const -1))`).join(" ")}
              ${w.show(`file ${file}${outside ? ", outside" : ""}`, callOf(w, name, file, outside))}
              ${out.map((at) => w.show("low", `(i32.load (i32.const ${at}))`) + w.show("high", `(i32.load offset=4 (i32.const ${at}))`)).join(" ")}`,
          ),
        )
        .join("\n"),
    ),
  );

const iovec = (at: number, ...parts: [pointer: number, size: number][]) =>
  parts
    .map(
      ([pointer, size], i) => `(i32.store (i32.const ${at + 8 * i}) (i32.const ${pointer}))
        (i32.store (i32.const ${at + 8 * i + 4}) (i32.const ${size}))`,
    )
    .join(" ");

const writes: [what: string, text: string, parts: [number, number][], file: number][] = [
  ["a line", "one line\n", [[1024, 9]], 1],
  ["an error", "one line\n", [[1024, 9]], 2],
  ["two lines", "one\ntwo\n", [[1024, 8]], 1],
  ["two newlines at the end", "one\n\n", [[1024, 5]], 1],
  [
    "parts",
    "one line\n",
    [
      [1024, 3],
      [1027, 6],
    ],
    1,
  ],
  ["nothing", "one line\n", [[1024, 0]], 1],
  ["no parts", "", [], 1],
  ["a newline alone", "\n", [[1024, 1]], 1],
  ["to no file", "one line\n", [[1024, 9]], 3],
  ["to standard input", "one line\n", [[1024, 9]], 0],
  ["from outside", "", [[end, 1]], 1],
  [
    "a part from outside",
    "one line\n",
    [
      [1024, 3],
      [end, 1],
    ],
    1,
  ],
];

const writing: Scenario[] = writes.flatMap(([what, text, parts, file]) =>
  (["fd_write", "fd_pwrite"] as const).map((name) =>
    whenRequested(`wasi: ${name} ${what}`, ["wasi: standard output"], (w) =>
      [
        w
          .text(text)
          .replace(
            /\(i32.const (\d+)\) \(i32.const (\d+)\)/,
            "(memory.copy (i32.const 1024) (i32.const $1) (i32.const $2))",
          ),
        iovec(64, ...parts),
        "(i32.store (i32.const 128) (i32.const 99))",
        w.show(
          "result",
          name === "fd_write"
            ? w.call(name, file, 64, parts.length, 128)
            : w.call(name, file, 64, parts.length, 7n, 128),
        ),
        w.show("written", "(i32.load (i32.const 128))"),
        w.show(
          "into nowhere",
          name === "fd_write" ? w.call(name, file, 64, parts.length, -1) : w.call(name, file, 64, parts.length, 7n, -1),
        ),
        w.show(
          "from nowhere",
          name === "fd_write" ? w.call(name, file, end, 1, 128) : w.call(name, file, end, 1, 7n, 128),
        ),
      ].join("\n"),
    ),
  ),
);

const others: Scenario[] = [
  whenRequested("wasi: random_get", ["wasi: randomness"], (w) =>
    [
      w.show("none", w.call("random_get", 1024, 0)),
      w.show("some", w.call("random_get", 1024, 32)),
      w.show("differ", "(i64.ne (i64.load (i32.const 1024)) (i64.load (i32.const 1032)))"),
      w.show("most", w.call("random_get", 32768, 65536)),
      w.show("too many", w.call("random_get", 32768, 65537)),
      w.show("outside", w.call("random_get", end - 3, 4)),
      w.show("far outside", w.call("random_get", -1, 4)),
    ].join("\n"),
  ),
  whenRequested("wasi: clocks", ["wasi: clocks"], (w) =>
    [0, 1, 2, 3, 4]
      .flatMap((clock) => [
        "(i64.store (i32.const 64) (i64.const 0))",
        w.show(`time of ${clock}`, w.call("clock_time_get", clock, 0n, 64)),
        w.show("is", "(i64.ne (i64.load (i32.const 64)) (i64.const 0))"),
        w.show("resolution", w.call("clock_res_get", clock, 64)),
        w.show("nowhere", w.call("clock_time_get", clock, 0n, -1)),
      ])
      .join("\n"),
  ),
  whenRequested(
    "wasi: an environment",
    ["wasi: environment"],
    (w) =>
      [
        w.show("sizes", w.call("environ_sizes_get", 64, 68)),
        w.show("count", "(i32.load (i32.const 64))"),
        w.show("bytes", "(i32.load (i32.const 68))"),
        w.show("get", w.call("environ_get", 128, 1024)),
        "(call $log (i32.load (i32.const 128)) (i32.const 11))",
        w.show("sizes into nowhere", w.call("environ_sizes_get", -1, 68)),
        w.show("bytes into nowhere", w.call("environ_sizes_get", 64, -1)),
        w.show("get into nowhere", w.call("environ_get", -1, 1024)),
        w.show("texts into nowhere", w.call("environ_get", 128, -1)),
      ].join("\n"),
    { plugin: { environment: { NAME: "value\xe9" } } },
  ),
  whenRequested("wasi: no environment", ["wasi: environment"], (w) =>
    [
      w.show("sizes", w.call("environ_sizes_get", 64, 68)),
      w.show("count", "(i32.load (i32.const 64))"),
      w.show("bytes", "(i32.load (i32.const 68))"),
      w.show("get", w.call("environ_get", 128, 1024)),
    ].join("\n"),
  ),
  whenRequested(
    "wasi: proc_exit returns to the guest",
    ["wasi: proc_exit"],
    (w) => `(call $proc_exit (i32.const 3)) ${w.log("still here")}`,
  ),
  whenRequested("wasi: pthread_equal and memory growth", ["pthread_equal", "emscripten_notify_memory_growth"], (w) =>
    [
      w.show("equal", w.call("pthread_equal", 5, 5)),
      w.show("not", w.call("pthread_equal", 5, 6)),
      "(call $emscripten_notify_memory_growth (i32.const 0))",
    ].join("\n"),
  ),
];

export const wasi: readonly Scenario[] = [...results, ...writing, ...others];
