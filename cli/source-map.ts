const customSection = 0;
const sectionName = "sourceMappingURL";

/** The module without the custom section that names its source map: then it is the same as when there is no map. */
export function withoutSourceMapUrl(code: Uint8Array): Uint8Array {
  let at = 8;
  while (at < code.length) {
    const start = at;
    const id = code[at++];
    const size = readLength(code, at);
    at = size.end + size.value;
    if (id !== customSection) continue;
    const name = readLength(code, size.end);
    if (Buffer.from(code.subarray(name.end, name.end + name.value)).toString() !== sectionName) continue;
    return Buffer.concat([code.subarray(0, start), code.subarray(at)]);
  }
  return code;
}

/** An unsigned LEB128 number. */
export function readLength(code: Uint8Array, at: number): { value: number; end: number } {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = code[at++]!;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, end: at };
  }
}
