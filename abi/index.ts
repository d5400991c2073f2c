import tableJson from "./table.json" with { type: "json" };

export type AbiVersion = "0.1.0" | "0.2.0" | "0.2.1";
export type ValueType = "i32" | "i64";

/** Where in a module's life a host function may be called; {@link table}.phases says what each one covers. */
export type Phase = "start" | "allocate" | "plugin" | "call" | "http" | "tcp" | "log" | "done";

export interface Parameter {
  name: string;
  type: ValueType;
  /** Versions of the ABI that have this parameter; all of the function's versions when absent. */
  versions?: AbiVersion[];
}

/** A function the proxy supplies to the module under {@link HostFunction.module}. */
export interface HostFunction {
  name: string;
  module: string;
  versions: AbiVersion[];
  params: Parameter[];
  result: ValueType | null;
  /** Phases in which the call does something; elsewhere it is refused, traps or has no effect. */
  phases: Phase[];
  /** Names of {@link table}.enums.Status the function can return; empty when its result is not a status. */
  statuses: string[];
  meaning: string;
}

/** A WASI function the proxy supplies under each of {@link table}.wasiModules. */
export interface WasiFunction {
  name: string;
  params: Parameter[];
  result: ValueType | null;
  phases: Phase[];
  /** First minor version of Envoy that has it; absent: older ones than 1.38 do. */
  since?: string;
  meaning: string;
}

/** An export of the module that the proxy runs once, before anything else. */
export interface StartFunction {
  name: string;
  params: Parameter[];
  result: ValueType | null;
  meaning: string;
}

/** An export of the module that the proxy calls when something happens. */
export interface Callback {
  name: string;
  versions: AbiVersion[];
  params: Parameter[];
  result: ValueType | null;
  context: "vm" | "plugin" | "http" | "tcp" | "any";
  /** Names of the values a result can have; absent when it is not an enumeration. */
  statuses?: string[];
  meaning: string;
}

export interface AbiTable {
  phases: Record<Phase, string>;
  /** Exports that say which ABI version a module was built for. */
  markers: { name: string; version: AbiVersion }[];
  enums: Record<string, Record<string, number>>;
  hostFunctions: HostFunction[];
  wasiModules: string[];
  wasiFunctions: WasiFunction[];
  startFunctions: StartFunction[];
  callbacks: Callback[];
}

/** The Proxy-Wasm ABI as Envoy implements it: every function that crosses between proxy and module. */
export const table = tableJson as AbiTable;

/** Parameter types of `entry` in `version`. */
export function parameterTypes(entry: { params: Parameter[] }, version: AbiVersion): ValueType[] {
  return entry.params
    .filter((param) => param.versions === undefined || param.versions.includes(version))
    .map((param) => param.type);
}
