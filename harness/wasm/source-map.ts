import { readFileSync } from "node:fs";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";

/** Where in the guest's source an instruction comes from. */
export interface SourcePosition {
  /** As the map names it; with asc, relative to the folder that was built. */
  source: string;
  /** From 1. */
  line: number;
  /** From 1. */
  column: number;
}

/** The map that lies beside a module's file, `plugin.wasm.map`; `null` when there is none that can be read. */
export function readSourceMap(file: string | null): TraceMap | null {
  if (file === null) return null;
  try {
    return new TraceMap(readFileSync(`${file}.map`, "utf8"));
  } catch {
    return null;
  }
}

/** The source of the instruction at an offset of the module. */
export function sourcePosition(map: TraceMap, offset: number): SourcePosition | null {
  // The maps of Wasm modules have one line, whose columns are the module's bytes.
  const { source, line, column } = originalPositionFor(map, { line: 1, column: offset });
  return source === null ? null : { source, line, column: column + 1 };
}
