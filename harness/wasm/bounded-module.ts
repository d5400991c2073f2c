import type { ExternKind, ModuleShape } from "./binary.ts";
import { readInstruction } from "./instructions.ts";
import { ModuleOutput, signed, unsigned } from "./output.ts";
import { Reader } from "./reader.ts";

/** Envoy gives a guest 1 GiB: its memory cannot grow beyond that, and a module that begins with more is refused. */
export const mostPages = 16_384;

/** The table that a bounded module exports for its host, under a name that no guest has. */
export const inspectorTable = "attache:inspector";

/** As {@link inspectorTable}: what was the start function, which the host calls once there is an inspector. */
export const startFunction = "attache:start";

/** So much is spent before the host is asked whether the guest may go on. */
const creditOfOneTurn = 10_000;

/** What a guest pays: 1 is a nanosecond or so, and nothing takes longer than a second for 1,000. */
const price = { function: 1, loop: 1, call: 100, bulk: 1000 } as const;

/** A module that asks its host now and then whether it may go on, and whose memory has a limit. */
export interface BoundedModule {
  code: Uint8Array;
  /** Where an instruction stood in the module before. */
  originalOffset: (offset: number) => number;
  /** Index of the function that asks, which is none of the guest's. */
  askingFunction: number;
}

/**
 * Rewrites a module so that a guest that never returns can be ended. Where a function or a loop begins, and before it calls the
 * host or works on much memory, a guest pays from a global's credit. When that is spent, it calls what the host has put into
 * {@link inspectorTable}, and traps unless the answer is 0: a trap is what no guest can catch.
 *
 * All indices stay as they are, since what is added comes last. Throws `CorruptModuleError` when there is an instruction
 * that is not known here.
 */
export function boundModule(code: Uint8Array, shape: ModuleShape): BoundedModule {
  const sections = readSections(code);
  const count = (kind: ExternKind, id: number) =>
    shape.imports.filter((entry) => entry.kind === kind).length + (sections.get(id)?.u32() ?? 0);
  const added: Added = {
    type: shape.typeCount,
    importedFunctions: shape.imports.filter(({ kind }) => kind === "function").length,
    function: count("function", Section.Function),
    table: count("table", Section.Table),
    global: count("global", Section.Global),
    start: sections.get(Section.Start)?.u32() ?? null,
  };
  const output = new ModuleOutput(code);
  output.original(0, 8);
  const originals = readSections(code);
  for (const id of sectionOrder) {
    const section = originals.get(id);
    const write = writers[id] ?? (section === undefined ? null : copySection);
    if (write === null || id === Section.Start) continue;
    output.bytes(id);
    output.sized((part) => write(part, section ?? new Reader(code, 0, 0), added));
  }
  return {
    code: output.finish(),
    originalOffset: (offset) => output.originalOffset(offset),
    askingFunction: added.function,
  };
}

function readSections(code: Uint8Array): Map<number, Reader> {
  const sections = new Map<number, Reader>();
  const reader = new Reader(code, 8, code.length);
  while (!reader.atEnd) sections.set(reader.byte(), reader.slice(reader.u32()));
  return sections;
}

/** A function for {@link inspectorTable}. Tables hold functions of Wasm only, so a module of its own passes the question on. */
export function createInspector(isOver: () => boolean): unknown {
  const { exports } = new WebAssembly.Instance(passOn, { host: { inspect: () => (isOver() ? 1 : 0) } });
  return exports["inspect"];
}

/** `(module (func (import "host" "inspect") (result i32)) (export "inspect" (func 0)))` */
const passOn = new WebAssembly.Module(
  Buffer.from(
    "\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7f\x02\x10\x01\x04host\x07inspect\0\0\x07\x0b\x01\x07inspect\0\0",
    "latin1",
  ),
);

/** Indices of what is added. */
interface Added {
  /** Of the type `() -> ()`; that of the inspector, `() -> i32`, is the next. */
  type: number;
  importedFunctions: number;
  function: number;
  table: number;
  global: number;
  /** The module's own start function. */
  start: number | null;
}

const Section = {
  Type: 1,
  Import: 2,
  Function: 3,
  Table: 4,
  Memory: 5,
  Global: 6,
  Export: 7,
  Start: 8,
  Element: 9,
  Code: 10,
  Data: 11,
  DataCount: 12,
  Tag: 13,
} as const;

const { Type, Import, Function, Table, Memory, Tag, Global, Export, Start, Element, DataCount, Code, Data } = Section;
const sectionOrder = [
  Type,
  Import,
  Function,
  Table,
  Memory,
  Tag,
  Global,
  Export,
  Start,
  Element,
  DataCount,
  Code,
  Data,
];

type SectionWriter = (output: ModuleOutput, section: Reader, added: Added) => void;

const writers: Partial<Record<number, SectionWriter>> = {
  [Type]: appending(2, () => [0x60, 0, 0, 0x60, 0, 1, 0x7f]),
  [Function]: appending(1, ({ type }) => unsigned(type)),
  [Table]: appending(1, () => [0x70, 0x00, 1]),
  [Memory]: limitMemories,
  [Global]: appending(1, () => [0x7f, 0x01, 0x41, ...signed(creditOfOneTurn), 0x0b]),
  [Export]: (output, section, added) => {
    const { start, table } = added;
    const ofStart = start === null ? [] : [...nameOf(startFunction), 0, ...unsigned(start)];
    const ofTable = [...nameOf(inspectorTable), 1, ...unsigned(table)];
    appending(start === null ? 1 : 2, () => [...ofTable, ...ofStart])(output, section, added);
  },
  [Code]: payingCode,
};

function copySection(output: ModuleOutput, section: Reader): void {
  output.original(section.position, section.end);
}

function appending(count: number, entries: (added: Added) => number[]): SectionWriter {
  return (output, section, added) => {
    output.bytes(...unsigned(section.atEnd ? count : section.u32() + count));
    copySection(output, section);
    output.bytes(...entries(added));
  };
}

/** No memory is shared: with one that is, a guest could wait for ever within a single instruction. */
function limitMemories(output: ModuleOutput, section: Reader): void {
  const memories: number[][] = [];
  if (!section.atEnd) {
    section.repeat(() => {
      const { initial, maximum, is64 } = section.limits();
      // One that begins larger is refused when it is instantiated.
      const limit = Math.max(initial, mostPages);
      memories.push([is64 ? 5 : 1, ...unsigned(initial), ...unsigned(Math.min(maximum ?? limit, limit))]);
    });
  }
  output.bytes(...unsigned(memories.length), ...memories.flat());
}

function payingCode(output: ModuleOutput, section: Reader, added: Added): void {
  const bodies = section.u32();
  output.bytes(...unsigned(bodies + 1));
  for (let i = 0; i < bodies; i++) {
    const body = section.slice(section.u32());
    output.sized((part) => payingBody(part, body, added));
  }
  const { type, table, global } = added;
  const renew = [0x41, ...signed(creditOfOneTurn), 0x24, ...unsigned(global)];
  const ask = [0x41, 0, 0x11, ...unsigned(type + 1), ...unsigned(table), 0x04, 0x40, 0x00, 0x0b];
  output.sized((part) => part.bytes(0, ...renew, ...ask, 0x0b));
}

/** One function, with what it has to pay. */
function payingBody(output: ModuleOutput, body: Reader, added: Added): void {
  let copied = body.position;
  const pay = (amount: number, at: number) => {
    output.original(copied, at);
    output.bytes(...payment(amount, added));
    copied = at;
  };
  body.repeat(() => {
    body.skipInteger();
    body.skipType();
  });
  pay(price.function, body.position);
  while (!body.atEnd) {
    const at = body.position;
    const { kind, callee } = readInstruction(body);
    if (kind === "loop") pay(price.loop, body.position);
    else if (kind === "bulk") pay(price.bulk, at);
    else if (kind === "call" && callee < added.importedFunctions) pay(price.call, at);
  }
  output.original(copied, body.position);
}

/** `credit -= amount; if (credit < 0) ask();` */
function payment(amount: number, { global, function: ask }: Added): number[] {
  const credit = unsigned(global);
  return [0x23, ...credit, 0x41, ...signed(amount), 0x6b, 0x24, ...credit].concat(
    [0x23, ...credit, 0x41, 0, 0x48, 0x04, 0x40],
    [0x10, ...unsigned(ask), 0x0b],
  );
}

function nameOf(name: string): number[] {
  return [...unsigned(name.length), ...Buffer.from(name)];
}
