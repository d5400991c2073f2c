import { resetArena } from "../memory/arena";
import { ByteView } from "../memory/byte-view";
import { JsonDocument, JsonKind, JsonNode, JsonWriter, NumberStatus } from "./index";

let buffer = new StaticArray<u8>(1024);
const document = new JsonDocument();

export function input(size: i32): usize {
  if (buffer.length < size) buffer = new StaticArray<u8>(size * 2);
  return changetype<usize>(buffer);
}

/** The error of the text, or null. */
export function parse(start: usize, length: i32, allowDuplicates: bool): string | null {
  __collect();
  return document.parse(start, length, allowDuplicates) ? null : document.error;
}

/** The values of the text that was parsed, as JSON: strings as `s…`, numbers as `n` and the bits of the double. */
export function dump(): string {
  return dumpNode(document.root);
}

function dumpNode(node: JsonNode): string {
  if (node.kind == JsonKind.Null) return "null";
  if (node.kind == JsonKind.Bool) return node.isTrue ? "true" : "false";
  if (node.kind == JsonKind.Number) return '"n' + reinterpret<u64>(node.f64).toString(16) + '"';
  if (node.kind == JsonKind.String) return dumpText(node.text);
  const isObject = node.kind == JsonKind.Object;
  let text = isObject ? "{" : "[";
  let child = node.count ? node.first : node;
  for (let i = 0; i < node.count; i++) {
    if (i) text += ",";
    if (isObject) {
      text += dumpText(child.text) + ":";
      child = child.next;
    }
    text += dumpNode(child);
    child = child.next;
  }
  return text + (isObject ? "}" : "]");
}

function dumpText(value: string): string {
  let text = '"s';
  for (let i = 0; i < value.length; i++) text += "\\u" + (0x10000 + value.charCodeAt(i)).toString(16).substring(1);
  return text + '"';
}

/** The text as a signed integer, or what is wrong with it. */
export function i64Of(start: usize, length: i32): string {
  document.parse(start, length);
  const value = document.root.i64;
  return document.root.numberStatus == NumberStatus.Ok ? value.toString() : statusName(document.root.numberStatus);
}

export function u64Of(start: usize, length: i32): string {
  document.parse(start, length);
  const value = document.root.u64;
  return document.root.numberStatus == NumberStatus.Ok ? value.toString() : statusName(document.root.numberStatus);
}

export function f64StatusOf(start: usize, length: i32): string {
  document.parse(start, length);
  const value = document.root.f64;
  return (isFinite(value) ? "" : value > 0 ? "+" : "-") + statusName(document.root.numberStatus);
}

function statusName(status: NumberStatus): string {
  if (status == NumberStatus.NotNumber) return "not a number";
  if (status == NumberStatus.NotInteger) return "not an integer";
  return status == NumberStatus.OutOfRange ? "out of range" : "ok";
}

let written = 0;

export function writtenSize(): i32 {
  return written;
}

function finish(writer: JsonWriter): usize {
  const text = writer.end();
  written = text.length;
  return text.start;
}

/** Writes the JSON text again, from its parsed values. */
export function rewrite(start: usize, length: i32): usize {
  resetArena();
  document.parse(start, length);
  const writer = JsonWriter.begin(4);
  rewriteNode(writer, document.root);
  return finish(writer);
}

function rewriteNode(writer: JsonWriter, node: JsonNode): void {
  if (node.kind == JsonKind.Null) writer.null();
  else if (node.kind == JsonKind.Bool) writer.bool(node.isTrue);
  else if (node.kind == JsonKind.Number) writer.number(node.f64);
  else if (node.kind == JsonKind.String) writer.string(node.text);
  else {
    const isObject = node.kind == JsonKind.Object;
    if (isObject) writer.beginObject();
    else writer.beginArray();
    let child = node.count ? node.first : node;
    for (let i = 0; i < node.count; i++) {
      if (isObject) {
        if (i & 1) writer.name(child.text);
        else writer.nameBytes(ByteView.of(child.start, child.length));
        child = child.next;
      }
      rewriteNode(writer, child);
      child = child.next;
    }
    if (isObject) writer.endObject();
    else writer.endArray();
  }
}

/** The bytes as a JSON string. */
export function writeBytes(start: usize, length: i32): usize {
  resetArena();
  return finish(JsonWriter.begin().bytes(ByteView.of(start, length)));
}

export function writeIntegers(): usize {
  resetArena();
  const writer = JsonWriter.begin().beginArray();
  writer.integer(0).integer(-1).integer(i64.MAX_VALUE).integer(i64.MIN_VALUE).unsigned(u64.MAX_VALUE);
  writer.number(NaN).number(Infinity).number(-0.0).number(1e21).number(0.1);
  return finish(writer.endArray());
}

/** Calls the writer's methods as the bytes say: each is one of `{`, `}`, `[`, `]`, `n` (name), `0`. */
export function script(start: usize, length: i32): usize {
  resetArena();
  const writer = JsonWriter.begin();
  for (let p = start; p < start + length; p++) {
    const step = load<u8>(p);
    if (step == 0x7b) writer.beginObject();
    else if (step == 0x7d) writer.endObject();
    else if (step == 0x5b) writer.beginArray();
    else if (step == 0x5d) writer.endArray();
    else if (step == 0x6e) writer.name("n");
    else writer.integer(0);
  }
  return finish(writer);
}

export function pages(): i32 {
  return memory.size();
}
