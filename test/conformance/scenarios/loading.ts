import { assemble } from "../../../harness/testing/guest.ts";
import type { RowName } from "../rows.ts";
import type { Scenario } from "../scenario.ts";

const marker = `(func (export "proxy_abi_version_0_2_1"))`;
const memory = `(memory (export "memory") 2)`;
const malloc = `(func (export "malloc") (param i32) (result i32) (i32.const 1024))`;
const whole = `${marker} ${memory} ${malloc}`;

const importLog = `(import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))`;
const text = `(data (i32.const 64) "hello")`;
const say = "(drop (call $log (i32.const 2) (i32.const 64) (i32.const 5)))";
/** Says when a request comes, so that a module that loads shows that it runs. */
const onRequest = `(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) ${say} (i32.const 0))`;

const imports = (module: string, name: string, type: string) => `(import "${module}" "${name}" (func ${type}))`;

/** Functions called as letters, each calling the next; the last one traps. */
const letters = [..."abcdefghijklmnopqr"];
const chainOfLetters = letters
  .map((name, i) => `(func $${name} ${i + 1 < letters.length ? `(call $${letters[i + 1]})` : "unreachable"})`)
  .join(" ");

const refused: [what: string, row: RowName, wat: string][] = [
  ["no ABI marker", "load: ABI marker", `${memory} ${malloc}`],
  ["a marker that is no function", "load: ABI marker", `(memory (export "proxy_abi_version_0_2_1") 1) ${malloc}`],
  ["a marker of an ABI to come", "load: ABI marker", `(func (export "proxy_abi_version_0_3_0")) ${memory} ${malloc}`],
  ["an import nobody supplies", "load: unknown import", `${imports("env", "proxy_nope", "")} ${whole}`],
  ["env.abort", "load: unknown import", `${imports("env", "abort", "(param i32 i32 i32 i32)")} ${whole}`],
  ["env.seed", "load: unknown import", `${imports("env", "seed", "(result f64)")} ${whole}`],
  ["an import of another namespace", "load: unknown import", `${imports("other", "proxy_log", "")} ${whole}`],
  [
    "proxy_continue_request in ABI 0.2.1",
    "load: functions of other ABI versions",
    `${imports("env", "proxy_continue_request", "(result i32)")} ${whole}`,
  ],
  [
    "proxy_continue_stream in ABI 0.1.0",
    "load: functions of other ABI versions",
    `${imports("env", "proxy_continue_stream", "(param i32) (result i32)")}
     (func (export "proxy_abi_version_0_1_0")) ${memory} ${malloc}`,
  ],
  [
    "proxy_get_log_level in ABI 0.2.0",
    "load: functions of other ABI versions",
    `${imports("env", "proxy_get_log_level", "(param i32) (result i32)")}
     (func (export "proxy_abi_version_0_2_0")) ${memory} ${malloc}`,
  ],
  [
    "proxy_log with a parameter of another type",
    "load: import signatures",
    `${imports("env", "proxy_log", "(param i64 i32 i32) (result i32)")} ${whole}`,
  ],
  [
    "proxy_log without a result",
    "load: import signatures",
    `${imports("env", "proxy_log", "(param i32 i32 i32)")} ${whole}`,
  ],
  [
    "the real path_link",
    "wasi: path_link and path_symlink lack a parameter",
    `${imports("wasi_snapshot_preview1", "path_link", `(param${" i32".repeat(7)}) (result i32)`)} ${whole}`,
  ],
  [
    "the real path_symlink",
    "wasi: path_link and path_symlink lack a parameter",
    `${imports("wasi_snapshot_preview1", "path_symlink", `(param${" i32".repeat(5)}) (result i32)`)} ${whole}`,
  ],
  ["an imported global", "load: imported globals", `(import "env" "g" (global i32)) ${whole}`],
  ["no memory", "load: memory", `${marker} ${malloc}`],
  ["two memories", "load: memory", `${whole} (memory 1)`],
  ["no allocator", "load: allocator", `${marker} ${memory}`],
  [
    "an allocator of another type",
    "load: allocator",
    `${marker} ${memory} (func (export "malloc") (param i64) (result i32) (i32.const 0))`,
  ],
  ["proxy_on_tick of another type", "load: export signatures", `${whole} (func (export "proxy_on_tick"))`],
  [
    "proxy_on_request_headers as ABI 0.1.0 had it",
    "load: export signatures",
    `${whole} (func (export "proxy_on_request_headers") (param i32 i32) (result i32) (i32.const 0))`,
  ],
  ["_initialize with a parameter", "load: start functions", `${whole} (func (export "_initialize") (param i32))`],
  ["_start that traps", "load: start functions", `${whole} (func (export "_start") unreachable)`],
  ["_initialize that traps", "load: start functions", `${whole} (func (export "_initialize") unreachable)`],
  [
    "main that traps",
    "load: start functions",
    `${whole} (func (export "_initialize"))
     (func (export "main") (param i32 i32) (result i32) unreachable)`,
  ],
  [
    "_initialize that defines a metric",
    "calls: at start",
    `${imports("env", "proxy_define_metric", "(param i32 i32 i32 i32) (result i32)").replace("(func", "(func $f")}
     ${whole} (func (export "_initialize")
       (drop (call $f (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 0))))`,
  ],
  [
    "_initialize that leaves by proc_exit",
    "calls: at start",
    `${imports("wasi_snapshot_preview1", "proc_exit", "(param i32)").replace("(func", "(func $f")}
     ${whole} (func (export "_initialize") (call $f (i32.const 0)))`,
  ],
  [
    "_initialize that yields",
    "calls: at start",
    `${imports("wasi_snapshot_preview1", "sched_yield", "(result i32)").replace("(func", "(func $f")}
     ${whole} (func (export "_initialize") (drop (call $f)))`,
  ],
  [
    "_initialize that reads a file",
    "calls: at start",
    `${imports("wasi_snapshot_preview1", "fd_read", "(param i32 i32 i32 i32) (result i32)").replace("(func", "(func $f")}
     ${whole} (func (export "_initialize")
       (drop (call $f (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))`,
  ],
  ["a start section that traps", "load: start section", `${whole} (func $s unreachable) (start $s)`],
  [
    "a recursion without end in _initialize",
    "load: start functions",
    `${whole} (func $f (export "_initialize") (call $f))`,
  ],
];

const loads: [what: string, row: RowName, wat: string][] = [
  ["the least there can be", "load: missing callbacks", whole],
  [
    "the first of two markers decides",
    "load: ABI marker",
    `${importLog} (func (export "proxy_abi_version_0_1_0")) ${whole}
     (func (export "proxy_on_request_headers") (param i32 i32) (result i32) ${say} (i32.const 0))`,
  ],
  [
    "a marker with a signature of its own",
    "load: ABI marker",
    `${importLog} (func (export "proxy_abi_version_0_2_1") (param i64) (result i64) (i64.const 1)) ${memory} ${malloc} ${onRequest}`,
  ],
  [
    "proxy_on_memory_allocate alone",
    "load: allocator",
    `${importLog} ${marker} ${memory} (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 1024)) ${onRequest}`,
  ],
  [
    "malloc is preferred",
    "load: allocator",
    `${importLog} ${imports("env", "proxy_get_property", "(param i32 i32 i32 i32) (result i32)").replace("(func", "(func $get")}
     ${whole} (func (export "proxy_on_memory_allocate") (param i32) (result i32) unreachable)
     (data (i32.const 80) "plugin_name")
     (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
       (drop (call $get (i32.const 80) (i32.const 11) (i32.const 0) (i32.const 4)))
       (drop (call $log (i32.const 2) (i32.load (i32.const 0)) (i32.load (i32.const 4)))) (i32.const 0))`,
  ],
  [
    "an imported memory",
    "load: memory",
    `(import "env" "memory" (memory 2)) ${importLog} (export "memory" (memory 0)) ${marker} ${malloc} ${onRequest}`,
  ],
  [
    "an imported table",
    "load: imported tables",
    `(import "env" "table" (table 1 funcref)) ${importLog} ${whole} ${onRequest}`,
  ],
  [
    "_initialize comes before _start, which is not called",
    "load: start functions",
    `${importLog} ${whole} (func (export "_initialize") ${say}) (func (export "_start") unreachable) ${onRequest}`,
  ],
  [
    "main comes after _initialize",
    "load: start functions",
    `${importLog} ${whole} (func (export "_initialize"))
     (func (export "main") (param i32 i32) (result i32) ${say} (i32.const 7)) ${onRequest}`,
  ],
  [
    "__main_void where there is no main",
    "load: start functions",
    `${importLog} ${whole} (func (export "_initialize")) (func (export "__main_void") (result i32) ${say} (i32.const 0)) ${onRequest}`,
  ],
  ["_start alone", "load: start functions", `${importLog} ${whole} (func (export "_start") ${say}) ${onRequest}`],
  [
    "main without _initialize",
    "load: start functions",
    `${importLog} ${whole} (func (export "main") (param i32 i32) (result i32) ${say} (i32.const 0)) ${onRequest}`,
  ],
  [
    "a start section that calls nothing",
    "load: start section",
    `${importLog} ${whole} (global $g (mut i32) (i32.const 0)) (func $s (global.set $g (i32.const 1))) (start $s) ${onRequest}`,
  ],
  [
    "a start section that works for long",
    "load: start section",
    `${importLog} ${whole} (func $s (local $i i32) (loop $next
       (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $next (i32.lt_u (local.get $i) (i32.const 1000000))))) (start $s)
     ${onRequest}`,
  ],
  [
    "WASI by its older name",
    "wasi: two module names",
    `${importLog} ${imports("wasi_unstable", "sched_yield", "(result i32)").replace("(func", "(func $f")} ${whole}
     (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (drop (call $f)) ${say} (i32.const 0))`,
  ],
  [
    "functions of one letter",
    "load: missing callbacks",
    `${importLog} ${whole} ${onRequest.replace(say, "(call $a)")} ${chainOfLetters}`,
  ],
  [
    "exports nobody asks for",
    "load: missing callbacks",
    `${importLog} ${whole} (func (export "proxy_on_nothing") (param f64)) (global (export "__heap_base") i32 (i32.const 8)) ${onRequest}`,
  ],
];

async function scenario(what: string, row: RowName, wat: string, isRefused: boolean): Promise<Scenario> {
  return {
    name: `load: ${what}${isRefused ? " is refused" : ""}`,
    covers: [row],
    plugins: [{ guest: await assemble(`(module ${wat} ${text})`) }],
    ...(isRefused ? { answers: ["refused MODULE_INVALID"] } : {}),
  };
}

export const loading: readonly Scenario[] = await Promise.all([
  ...refused.map(([what, row, wat]) => scenario(what, row, wat, true)),
  ...loads.map(([what, row, wat]) => scenario(what, row, wat, false)),
]);
