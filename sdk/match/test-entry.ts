import { decodeText } from "../memory/utf8";
import { Glob } from "./glob";
import { isUriTemplate, UriTemplate } from "./uri-template";

let buffer = new StaticArray<u8>(1024);
let glob = new Glob("");
let template = new UriTemplate("/");

export function input(size: i32): usize {
  if (buffer.length < size) buffer = new StaticArray<u8>(size * 2);
  return changetype<usize>(buffer);
}

export function makeGlob(start: usize, length: i32): void {
  __collect();
  glob = new Glob(decodeText(start, length));
}

export function globMatches(start: usize, length: i32): bool {
  return glob.matches(start, length);
}

/** The error of the template, or null. */
export function makeTemplate(start: usize, length: i32): string | null {
  __collect();
  template = new UriTemplate(decodeText(start, length));
  return template.error;
}

export function templateMatches(start: usize, length: i32): bool {
  return template.matches(start, length);
}

export function isTemplate(start: usize, length: i32): bool {
  return isUriTemplate(decodeText(start, length));
}
