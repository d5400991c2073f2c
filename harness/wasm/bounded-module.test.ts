import binaryen from "binaryen";
import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../emulator/random.ts";
import { assemble } from "../testing/guest.ts";
import { readModuleShape } from "./binary.ts";
import { boundModule, createInspector, inspectorTable } from "./bounded-module.ts";
import { CorruptModuleError } from "./reader.ts";

const bound = (code: Uint8Array) => boundModule(code, readModuleShape(code));

/** One function that holds each instruction with immediates of its own shape, and computes the number it exports. */
const everything = `(module
  (type $pair (func (param i32 i32) (result i32)))
  (import "env" "given" (func $given (result i32)))
  (memory (export "memory") 1 2) (memory $second 1)
  (table $t 4 funcref) (table $other 2 funcref) (elem (i32.const 0) $add) (elem $passive func $add) (data $bytes "abc")
  (tag $error (param i32)) (global $g (mut i32) (i32.const 3))
  (func $add (type $pair) (i32.add (local.get 0) (local.get 1)))
  (func $tail (param i32 i32) (result i32) (return_call $add (local.get 0) (local.get 1)))
  (func $tailTable (param i32 i32) (result i32) (return_call_indirect (type $pair) (local.get 0) (local.get 1) (i32.const 0)))
  (func (export "run") (result i32) (local $i i32) (local $sum i64) (local $f f32) (local $d f64) (local $v v128)
    (block $out (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (local.set $sum (i64.add (local.get $sum) (i64.const -70000000000)))
      (local.set $f (f32.add (local.get $f) (f32.const 1.5)))
      (local.set $d (f64.add (local.get $d) (f64.const 2.25)))
      (block $a (block $b (br_table $a $b $a (local.get $i))))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 300)))
      (br $out)))
    (memory.init $bytes (i32.const 8) (i32.const 0) (i32.const 3)) (data.drop $bytes)
    (memory.copy (i32.const 16) (i32.const 8) (i32.const 3)) (memory.fill (i32.const 32) (i32.const 7) (i32.const 4))
    (table.init $t $passive (i32.const 1) (i32.const 0) (i32.const 1)) (elem.drop $passive)
    (table.copy $other $t (i32.const 0) (i32.const 0) (i32.const 1)) (table.set $t (i32.const 3) (ref.func $add))
    (drop (table.grow $t (ref.null func) (i32.const 1))) (table.fill $t (i32.const 2) (ref.null func) (i32.const 1))
    (drop (ref.is_null (table.get $t (i32.const 2)))) (drop (table.size $other))
    (drop (memory.grow (i32.const 1))) (drop (memory.size))
    (i32.store offset=70000 (i32.const 0) (i32.load8_u offset=8 align=1 (i32.const 0)))
    (i32.store $second (i32.const 0) (i32.const 9))
    (local.set $v (v128.const i32x4 1 2 3 4))
    (local.set $v (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 (local.get $v) (local.get $v)))
    (v128.store (i32.const 64) (i32x4.add (local.get $v) (v128.load32_zero (i32.const 64))))
    (local.set $v (v128.load8_lane offset=1 3 (i32.const 64) (i32x4.replace_lane 2 (local.get $v) (i32.const 5))))
    (drop (i32.atomic.rmw.add offset=4 (i32.const 0) (i32.const 1))) (atomic.fence)
    (drop (select (result i32) (i32.const 1) (i32.const 2) (i32.trunc_sat_f64_s (local.get $d))))
    (try (do (throw $error (i32.const 5))) (catch $error (global.set $g)) (catch_all (nop)))
    (if (result i32) (i32.eqz (local.get $i)) (then (unreachable)) (else (call $tail (call $given) (global.get $g))))
    (call_indirect (type $pair) (i32.load $second (i32.const 0)) (i32.const 0))
    (i32.add (i32x4.extract_lane 2 (local.get $v)))
    (i32.add (call $tailTable (i32.wrap_i64 (local.get $sum)) (i32.trunc_f32_s (local.get $f))))))`;

/** What newer proposals add. */
const newer = `(module
  (type $point (struct (field $x (mut i32)) (field $y i8)))
  (type $list (array (mut i32))) (type $function (func (result i32)))
  (rec (type $a (struct (field (ref null $b)))) (type $b (struct (field (ref null $a)))))
  (data $bytes "abcdefgh") (tag $error (param i32))
  (func $seven (type $function) (i32.const 7)) (elem declare func $seven)
  (func (export "run") (result i32) (local $p (ref null $point)) (local $l (ref null $list)) (local $any (ref null any))
    (local.set $p (struct.new $point (i32.const 1) (i32.const 2)))
    (struct.set $point $x (local.get $p) (i32.const 5))
    (local.set $l (array.new $list (i32.const 3) (i32.const 4)))
    (local.set $l (array.new_fixed $list 2 (i32.const 1) (i32.const 2)))
    (local.set $l (array.new_data $list $bytes (i32.const 0) (i32.const 2)))
    (array.fill $list (local.get $l) (i32.const 0) (i32.const 6) (i32.const 2))
    (array.copy $list $list (local.get $l) (i32.const 0) (local.get $l) (i32.const 1) (i32.const 1))
    (local.set $any (ref.i31 (i32.const 9)))
    (drop (ref.test (ref $point) (local.get $any)))
    (drop (block $other (result (ref null any))
      (br_on_cast $other (ref null any) (ref i31) (local.get $any))))
    (drop (block $caught (result i32)
      (try_table (catch $error $caught) (throw $error (i32.const 3)))
      (i32.const 1)))
    (loop $again (br_if $again (i32.const 0)))
    (i32.add (call_ref $function (ref.func $seven))
      (i32.add (struct.get $point $x (ref.as_non_null (local.get $p)))
        (i32.add (struct.get_s $point $y (local.get $p))
          (i32.add (array.get $list (local.get $l) (i32.const 1)) (array.len (local.get $l))))))))`;

function result(code: Uint8Array): unknown {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { given: () => 11 } });
  (exports[inspectorTable] as WebAssembly.Table | undefined)?.set(
    0,
    createInspector(() => false),
  );
  return (exports["run"] as () => unknown)();
}

describe("a module with bounds", () => {
  it("computes the same, whatever its instructions", async () => {
    const code = await assemble(everything);
    expect(result(bound(code).code)).toBe(result(code));
  });

  it("computes the same with garbage collected objects, exceptions and typed references", () => {
    const module = binaryen.parseText(newer);
    module.setFeatures(binaryen.Features.All);
    const code = module.emitBinary();
    expect(result(bound(code).code)).toBe(result(code));
  });

  it("knows where its instructions stood", async () => {
    const code = await assemble(`(module
      (func (export "run") (param i32) (loop $l (nop)) (if (local.get 0) (then (unreachable))) (memory.fill (i32.const 0) (i32.const 0) (i32.const -1)))
      (memory 1))`);
    const { code: bounded, originalOffset } = bound(code);
    for (const argument of [0, 1]) {
      expect(originalOffset(trapOffset(bounded, argument))).toBe(trapOffset(code, argument));
    }
  });
});

function trapOffset(code: Uint8Array, argument: number): number {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code));
  try {
    (exports["run"] as (argument: number) => void)(argument);
  } catch (error) {
    return parseInt(/:0x([0-9a-f]+)/.exec((error as Error).stack!)![1]!, 16);
  }
  throw new Error("it did not trap");
}

describe("modules with random bytes changed", () => {
  let code: Uint8Array;
  beforeAll(async () => {
    code = await assemble(everything);
  });

  it("are valid with bounds where they are valid without", () => {
    const random = new Random(1);
    let valid = 0;
    for (let i = 0; i < 20_000; i++) {
      const mutant = Uint8Array.from(code);
      for (let n = 1 + (random.next() % 3); n > 0; n--)
        mutant[8 + (random.next() % (code.length - 8))] = random.next() & 0xff;
      if (!isValid(mutant) || !isReadable(mutant)) continue;
      valid++;
      expect(isValid(bound(mutant).code)).toBe(true);
    }
    expect(valid).toBeGreaterThan(1000);
  });

  it("are refused by a message where they cannot be read", () => {
    const random = new Random(2);
    for (let i = 0; i < 5000; i++) {
      const mutant = Uint8Array.from(code.subarray(0, 8 + (random.next() % (code.length - 8))));
      mutant[8 + (random.next() % (mutant.length - 8 || 1))] = random.next() & 0xff;
      try {
        bound(mutant);
      } catch (error) {
        expect(error).toBeInstanceOf(CorruptModuleError);
      }
    }
  });
});

/** Envoy refuses a module whose names are malformed, which is valid all the same. */
function isReadable(code: Uint8Array): boolean {
  try {
    readModuleShape(code);
    return true;
  } catch {
    return false;
  }
}

function isValid(code: Uint8Array): boolean {
  return (WebAssembly as unknown as { validate(code: Uint8Array): boolean }).validate(code);
}
