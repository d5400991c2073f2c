import { JsonDocument, JsonKind, JsonNode, NumberStatus } from "./index";

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

export function pages(): i32 {
  return memory.size();
}
