/** Fields of a protobuf message as they go over the wire, in latin1; an empty text is left out as by proto3. */
export function textField(number: number, text: string): string {
  return text === "" ? "" : String.fromCharCode((number << 3) | 2) + varint(text.length) + text;
}

export function bytesField(number: number, bytes: Uint8Array): string {
  return textField(number, Buffer.from(bytes).toString("latin1"));
}

export function varintField(number: number, value: number): string {
  return String.fromCharCode(number << 3) + varint(value);
}

function varint(value: number): string {
  return value < 128 ? String.fromCharCode(value) : String.fromCharCode((value & 127) | 128) + varint(value >>> 7);
}
