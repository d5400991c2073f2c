import { CorruptModuleError, type Reader } from "./reader.ts";

/** Kinds of instructions that make time pass: where code repeats itself, and single steps that can be long. */
export type InstructionKind = "loop" | "call" | "bulk" | "other";

/** An instruction; `callee` is the index of the function that a `call` names. */
export interface Instruction {
  kind: InstructionKind;
  callee: number;
}

/** Reads one instruction with its immediates, of all that Envoy 1.40 takes. */
export function readInstruction(reader: Reader): Instruction {
  const opcode = reader.byte();
  switch (opcode) {
    case 0x03:
      reader.skipType();
      return loop;
    case 0x10:
      return { kind: "call", callee: reader.u32() };
    case 0xfb:
      skip(reader, gcImmediates[reader.u32()]);
      return other;
    case 0xfc: {
      const instruction = reader.u32();
      skip(reader, bulkImmediates[instruction]);
      return instruction < firstBulk ? other : bulk;
    }
    case 0xfd:
      skip(reader, vectorImmediates(reader.u32()));
      return other;
    case 0xfe:
      skip(reader, reader.u32() === atomicFence ? "b" : "m");
      return other;
    default:
      skip(reader, immediates[opcode]);
      return other;
  }
}

const loop: Instruction = { kind: "loop", callee: -1 };
const bulk: Instruction = { kind: "bulk", callee: -1 };
const other: Instruction = { kind: "other", callee: -1 };
const firstBulk = 8;
const atomicFence = 3;

/**
 * What follows an opcode, one letter for each: `i` an integer, `b` a byte, `q` sixteen bytes, `m` a memory argument, `t` a type,
 * `T` types, `l` labels, `c` clauses of `try_table`; `4` and `8` are so many bytes.
 */
function skip(reader: Reader, letters: string | undefined): void {
  if (letters === undefined) throw new CorruptModuleError("unknown instruction");
  for (const letter of letters) skipOne(reader, letter);
}

function skipOne(reader: Reader, letter: string): void {
  switch (letter) {
    case "i":
      return reader.skipInteger();
    case "b":
      return reader.skip(1);
    case "4":
      return reader.skip(4);
    case "8":
      return reader.skip(8);
    case "q":
      return reader.skip(16);
    case "m":
      return skipMemoryArgument(reader);
    case "t":
      return reader.skipType();
    case "T":
      return reader.repeat(() => reader.skipType());
    case "l":
      return reader.repeat(() => reader.skipInteger());
    default:
      return reader.repeat(() => skip(reader, reader.byte() < 2 ? "ii" : "i"));
  }
}

function skipMemoryArgument(reader: Reader): void {
  const namesMemory = (reader.u32() & 0x40) !== 0;
  if (namesMemory) reader.skipInteger();
  reader.skipInteger();
}

/** By opcode; `undefined` where there is none. */
const immediates = tableOf([
  [0x00, 0x01, ""],
  [0x02, 0x02, "t"], // block
  [0x04, 0x04, "t"], // if
  [0x05, 0x05, ""],
  [0x06, 0x06, "t"], // try
  [0x07, 0x09, "i"], // catch, throw, rethrow
  [0x0a, 0x0b, ""],
  [0x0c, 0x0d, "i"], // br, br_if
  [0x0e, 0x0e, "li"], // br_table
  [0x0f, 0x0f, ""],
  [0x11, 0x11, "ii"], // call_indirect
  [0x12, 0x12, "i"], // return_call
  [0x13, 0x13, "ii"], // return_call_indirect
  [0x14, 0x15, "i"], // call_ref, return_call_ref
  [0x18, 0x18, "i"], // delegate
  [0x19, 0x1b, ""],
  [0x1c, 0x1c, "T"], // select
  [0x1f, 0x1f, "tc"], // try_table
  [0x20, 0x26, "i"], // locals, globals, elements of tables
  [0x28, 0x3e, "m"], // loads and stores
  [0x3f, 0x42, "i"], // memory.size, memory.grow, i32.const, i64.const
  [0x43, 0x43, "4"],
  [0x44, 0x44, "8"],
  [0x45, 0xc4, ""],
  [0xd0, 0xd0, "i"], // ref.null
  [0xd1, 0xd1, ""],
  [0xd2, 0xd2, "i"], // ref.func
  [0xd3, 0xd4, ""],
  [0xd5, 0xd6, "i"], // br_on_null, br_on_non_null
]);

/** After 0xfb: structs, arrays, casts. */
const gcImmediates = tableOf([
  [0, 1, "i"],
  [2, 5, "ii"],
  [6, 7, "i"],
  [8, 10, "ii"],
  [11, 14, "i"],
  [15, 15, ""],
  [16, 16, "i"],
  [17, 19, "ii"],
  [20, 23, "i"],
  [24, 25, "biii"], // br_on_cast, br_on_cast_fail
  [26, 30, ""],
]);

/** After 0xfc: conversions, then what works on memories and tables. */
const bulkImmediates = tableOf([
  [0, 7, ""],
  [8, 8, "ii"],
  [9, 9, "i"],
  [10, 10, "ii"],
  [11, 11, "i"],
  [12, 12, "ii"],
  [13, 13, "i"],
  [14, 14, "ii"],
  [15, 17, "i"],
]);

function vectorImmediates(instruction: number): string {
  if (instruction <= 11 || instruction === 92 || instruction === 93) return "m";
  if (instruction <= 13) return "q"; // v128.const, i8x16.shuffle
  if (instruction >= 21 && instruction <= 34) return "b"; // lanes
  return instruction >= 84 && instruction <= 91 ? "mb" : "";
}

function tableOf(ranges: readonly (readonly [first: number, last: number, letters: string])[]): (string | undefined)[] {
  const table: (string | undefined)[] = new Array<string | undefined>(256).fill(undefined);
  for (const [first, last, letters] of ranges) table.fill(letters, first, last + 1);
  return table;
}
