import { parameterTypes, table, type AbiVersion, type ValueType } from "@attache/abi";
import wabt from "wabt";
import { encodePairs } from "../wasm/pairs.ts";

export interface GuestOptions {
  abi?: AbiVersion;
  /** WAT at module level: globals, further functions, custom exports. */
  module?: string;
  /** WAT of the memory; two pages when absent. */
  memory?: string;
  /** Name of the allocator export; `malloc` when absent. */
  allocator?: string;
}

/** Bodies of callbacks in WAT, by export name; their parameters have the ABI table's names. */
export type GuestCallbacks = Record<string, string>;

/**
 * A small Proxy-Wasm module, written as the WAT of its callbacks.
 *
 * ```ts
 * const module = await guest((w) => ({ proxy_on_request_headers: `${w.add(0, "x-a", "1")} (i32.const 0)` }));
 * ```
 */
export async function guest(
  write: (w: GuestWriter) => GuestCallbacks,
  options: GuestOptions = {},
): Promise<Uint8Array> {
  const version = options.abi ?? "0.2.1";
  const writer = new GuestWriter();
  const functions = Object.entries(write(writer)).map(([name, body]) => callback(name, body, version));
  const body = [prelude, options.module ?? "", ...functions].join("\n");
  const wat = `(module
    ${importsOf(body, version)}
    ${options.memory ?? `(memory (export "memory") 2)`}
    (global $heap (mut i32) (i32.const 32768))
    (func (export "proxy_abi_version_${version.replaceAll(".", "_")}"))
    (func $malloc (export "${options.allocator ?? "malloc"}") (param $size i32) (result i32)
      (local $pointer i32)
      (local.set $pointer (global.get $heap))
      (global.set $heap (i32.add (global.get $heap) (local.get $size)))
      (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
        (then (drop (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $size) (i32.const 16)))))))
      (local.get $pointer))
    ${body}
    ${writer.data()})`;
  return await assemble(wat);
}

/** Binary of a WAT module; any feature on. */
export async function assemble(wat: string): Promise<Uint8Array> {
  const features = {
    simd: true,
    multi_memory: true,
    bulk_memory: true,
    mutable_globals: true,
    exceptions: true,
    tail_call: true,
    threads: true,
    reference_types: true,
  };
  const module = (await wabt()).parseWat("guest.wat", wat, features);
  try {
    return module.toBinary({ write_debug_names: true }).buffer;
  } finally {
    module.destroy();
  }
}

/** Writes the WAT of common calls; each one is a statement and leaves nothing on the stack unless it says so. */
export class GuestWriter {
  #segments: string[] = [];
  #known = new Map<string, number>();
  #at = 4096;

  /** Two constants, pointer and size of a text that lies in the module's data. */
  text(text: string): string {
    const bytes = Buffer.from(text, "latin1");
    let pointer = this.#known.get(text);
    if (pointer === undefined) {
      pointer = this.#at;
      this.#known.set(text, pointer);
      this.#at += bytes.length;
      const escaped = [...bytes].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
      this.#segments.push(`(data (i32.const ${pointer}) "${escaped}")`);
    }
    return `(i32.const ${pointer}) (i32.const ${bytes.length})`;
  }

  /** As {@link text}: a pairs blob. */
  pairs(pairs: Readonly<Record<string, string>> | readonly (readonly [string, string])[]): string {
    const list = Array.isArray(pairs) ? pairs : Object.entries(pairs);
    return list.length === 0 ? "(i32.const 0) (i32.const 0)" : this.text(encodePairs(list.flat()));
  }

  /** Logs at level info. */
  log(text: string): string {
    return `(call $log ${this.text(text)})`;
  }

  /** Logs `label=value` with the number an expression leaves. */
  show(label: string, expression: string): string {
    return `(call $show ${this.text(label)} ${expression})`;
  }

  add(map: number, name: string, value: string): string {
    return `(drop (call $proxy_add_header_map_value (i32.const ${map}) ${this.text(name)} ${this.text(value)}))`;
  }

  replace(map: number, name: string, value: string): string {
    return `(drop (call $proxy_replace_header_map_value (i32.const ${map}) ${this.text(name)} ${this.text(value)}))`;
  }

  remove(map: number, name: string): string {
    return `(drop (call $proxy_remove_header_map_value (i32.const ${map}) ${this.text(name)}))`;
  }

  /** Logs `name=value`, or `name!status` when the call fails. */
  logValue(map: number, name: string): string {
    return `(call $log_value (i32.const ${map}) ${this.text(name)})`;
  }

  /** Logs every pair of a map as `[name: value][name: value]`. */
  logPairs(map: number): string {
    return `(call $log_pairs (i32.const ${map}))`;
  }

  /** Logs `body=bytes`, or `body!status`. */
  logBuffer(type: number, start = 0, size = 0xffffffff): string {
    return `(call $log_buffer (i32.const ${type}) (i32.const ${start}) (i32.const ${size}))`;
  }

  /** Logs `path=hex`, or `path!status`. Segments are parted by dots here; write `\0` for names that hold one. */
  logProperty(path: string): string {
    const raw = path.includes("\0") ? path : path.replaceAll(".", "\0");
    return `(call $log_property ${this.text(path.replaceAll("\0", "."))} ${this.text(raw)})`;
  }

  setBuffer(type: number, start: number, size: number, data: string): string {
    return `(drop ${this.call("proxy_set_buffer_bytes", type, start, size, [data])})`;
  }

  reply(
    status: number,
    options: { body?: string; headers?: Record<string, string>; details?: string; grpcStatus?: number } = {},
  ): string {
    return `(drop (call $proxy_send_local_response (i32.const ${status}) ${this.text(options.details ?? "")}
      ${this.text(options.body ?? "")} ${this.pairs(options.headers ?? {})} (i32.const ${options.grpcStatus ?? -1})))`;
  }

  /** A call with constant arguments, leaving its result; a text in brackets stands for its pointer and size. */
  call(name: string, ...args: (number | bigint | [string])[]): string {
    const values = args.map((arg) => {
      if (Array.isArray(arg)) return this.text(arg[0]);
      return typeof arg === "bigint" ? `(i64.const ${arg})` : `(i32.const ${arg})`;
    });
    return `(call $${name} ${values.join(" ")})`;
  }

  data(): string {
    return this.#segments.join("\n");
  }
}

function callback(name: string, body: string, version: AbiVersion): string {
  const known = table.callbacks.find((entry) => entry.name === name && entry.versions.includes(version));
  if (known === undefined) return `(func $${name} (export "${name}") ${body})`;
  const types = parameterTypes(known, version);
  const params = types.map((type, i) => `(param $${known.params[i]!.name} ${type})`).join(" ");
  const result = known.result === null ? "" : `(result ${known.result})`;
  return `(func $${name} (export "${name}") ${params} ${result} ${body})`;
}

function importsOf(body: string, version: AbiVersion): string {
  const called = new Set([...body.matchAll(/\(call \$([\w]+)/g)].map((match) => match[1]!));
  const lines: string[] = [];
  const declare = (module: string, name: string, params: readonly ValueType[], result: ValueType | null) =>
    lines.push(
      `(import "${module}" "${name}" (func $${name} (param ${params.join(" ")}) ${result === null ? "" : `(result ${result})`}))`,
    );
  for (const entry of table.hostFunctions) {
    if (called.has(entry.name)) declare(entry.module, entry.name, parameterTypes(entry, version), entry.result);
  }
  for (const entry of table.wasiFunctions) {
    if (called.has(entry.name)) {
      declare("wasi_snapshot_preview1", entry.name, parameterTypes(entry, version), entry.result);
    }
  }
  return lines.join("\n");
}

// 0..7 take results of host calls; lines of text are built from 16384 on; the heap begins at 32768.
const prelude = `
  (global $end (mut i32) (i32.const 16384))
  (func $begin (global.set $end (i32.const 16384)))
  (func $byte (param $b i32)
    (i32.store8 (global.get $end) (local.get $b))
    (global.set $end (i32.add (global.get $end) (i32.const 1))))
  (func $text (param $p i32) (param $n i32)
    (memory.copy (global.get $end) (local.get $p) (local.get $n))
    (global.set $end (i32.add (global.get $end) (local.get $n))))
  (func $number (param $v i32)
    (if (i32.ge_u (local.get $v) (i32.const 10)) (then (call $number (i32.div_u (local.get $v) (i32.const 10)))))
    (call $byte (i32.add (i32.const 48) (i32.rem_u (local.get $v) (i32.const 10)))))
  (func $hex (param $p i32) (param $n i32) (local $b i32) (local $d i32)
    (loop $next
      (if (local.get $n) (then
        (local.set $b (i32.load8_u (local.get $p)))
        (local.set $d (i32.shr_u (local.get $b) (i32.const 4)))
        (call $byte (i32.add (local.get $d) (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $d) (i32.const 10)))))
        (local.set $d (i32.and (local.get $b) (i32.const 15)))
        (call $byte (i32.add (local.get $d) (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $d) (i32.const 10)))))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))))
  (func $flush (call $log (i32.const 16384) (i32.sub (global.get $end) (i32.const 16384))))
  (func $log (param $p i32) (param $n i32) (drop (call $proxy_log (i32.const 2) (local.get $p) (local.get $n))))
  (func $show (param $p i32) (param $n i32) (param $v i32)
    (call $begin) (call $text (local.get $p) (local.get $n)) (call $byte (i32.const 61)) (call $number (local.get $v)) (call $flush))
  (func $result (param $s i32)
    (if (local.get $s)
      (then (call $byte (i32.const 33)) (call $number (local.get $s)))
      (else (call $byte (i32.const 61)) (call $text (i32.load (i32.const 0)) (i32.load (i32.const 4)))))
    (call $flush))
  (func $log_value (param $map i32) (param $p i32) (param $n i32)
    (call $begin) (call $text (local.get $p) (local.get $n))
    (call $result (call $proxy_get_header_map_value (local.get $map) (local.get $p) (local.get $n) (i32.const 0) (i32.const 4))))
  (func $log_buffer (param $type i32) (param $start i32) (param $size i32)
    (call $begin) (call $text (i32.const 64) (i32.const 4))
    (call $result (call $proxy_get_buffer_bytes (local.get $type) (local.get $start) (local.get $size) (i32.const 0) (i32.const 4))))
  (data (i32.const 64) "body")
  (func $log_property (param $l i32) (param $ln i32) (param $p i32) (param $n i32) (local $s i32)
    (call $begin) (call $text (local.get $l) (local.get $ln))
    (local.set $s (call $proxy_get_property (local.get $p) (local.get $n) (i32.const 0) (i32.const 4)))
    (if (local.get $s)
      (then (call $byte (i32.const 33)) (call $number (local.get $s)))
      (else (call $byte (i32.const 61)) (call $hex (i32.load (i32.const 0)) (i32.load (i32.const 4)))))
    (call $flush))
  (func $log_pairs (param $map i32) (local $s i32) (local $blob i32) (local $n i32) (local $i i32) (local $at i32) (local $size i32)
    (call $begin)
    (local.set $s (call $proxy_get_header_map_pairs (local.get $map) (i32.const 0) (i32.const 4)))
    (if (local.get $s) (then (call $byte (i32.const 33)) (call $number (local.get $s)) (call $flush) (return)))
    (local.set $blob (i32.load (i32.const 0)))
    (if (i32.eqz (i32.load (i32.const 4))) (then (call $byte (i32.const 45)) (call $flush) (return)))
    (local.set $n (i32.shl (i32.load (local.get $blob)) (i32.const 1)))
    (local.set $at (i32.add (i32.add (local.get $blob) (i32.const 4)) (i32.shl (local.get $n) (i32.const 2))))
    (loop $next
      (if (i32.lt_u (local.get $i) (local.get $n)) (then
        (local.set $size (i32.load offset=4 (i32.add (local.get $blob) (i32.shl (local.get $i) (i32.const 2)))))
        (if (i32.and (local.get $i) (i32.const 1))
          (then (call $byte (i32.const 58)) (call $byte (i32.const 32)))
          (else (call $byte (i32.const 91))))
        (call $text (local.get $at) (local.get $size))
        (if (i32.and (local.get $i) (i32.const 1)) (then (call $byte (i32.const 93))))
        (local.set $at (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 1)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next))))
    (call $flush))`;
