/** The fields of a protobuf message, the last one of a number where it stands several times. Text is latin1. */
export interface ProtobufFields {
  text(field: number): string;
  /** All values of a repeated field. */
  texts(field: number): readonly string[];
  has(field: number): boolean;
  number(field: number): number;
}

/** `null` when the bytes are no message. Only varints and length-delimited fields are kept. */
export function readProtobuf(bytes: Uint8Array): ProtobufFields | null {
  const texts = new Map<number, string[]>();
  const numbers = new Map<number, number>();
  const groups: number[] = [];
  let at = 0;
  const varint = (): number | null => {
    let value = 0;
    for (let scale = 1, i = 0; i < 10 && at < bytes.length; i++, scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return null;
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag === null || tag >> 3 === 0) return null;
    const kind = tag & 7;
    if (kind === 0) {
      const value = varint();
      if (value === null) return null;
      numbers.set(tag >> 3, value);
      continue;
    }
    // A group is skipped like any unknown field, if it ends.
    if (kind === 3) {
      groups.push(tag >> 3);
      continue;
    }
    if (kind === 4) {
      if (groups.pop() !== tag >> 3) return null;
      continue;
    }
    const size = kind === 2 ? varint() : kind === 1 ? 8 : kind === 5 ? 4 : null;
    if (size === null || at + size > bytes.length) return null;
    if (kind === 2) {
      const list = texts.get(tag >> 3) ?? [];
      texts.set(tag >> 3, list);
      list.push(Buffer.from(bytes.subarray(at, at + size)).toString("latin1"));
    }
    at += size;
  }
  if (groups.length > 0) return null;
  return {
    text: (field) => texts.get(field)?.at(-1) ?? "",
    texts: (field) => texts.get(field) ?? [],
    has: (field) => texts.has(field) || numbers.has(field),
    number: (field) => numbers.get(field) ?? 0,
  };
}

/** A message of these fields; numbers are written as varints, latin1 text with its length. */
export function writeProtobuf(fields: readonly (readonly [field: number, value: number | string])[]): Uint8Array {
  return Buffer.concat(
    fields.flatMap(([field, value]) =>
      typeof value === "number"
        ? [varint(field * 8), varint(value)]
        : [varint(field * 8 + 2), varint(value.length), Buffer.from(value, "latin1")],
    ),
  );
}

function varint(value: number): Buffer {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Buffer.of(...bytes, value);
}
