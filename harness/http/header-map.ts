import { inlineRequestHeaders, inlineResponseHeaders, inlineResponseTrailers } from "./inline-headers.ts";
import type { HeaderList, HeadersInit } from "../host.ts";
import { headerPairs } from "../message.ts";

/** The kinds of header map; they differ in which headers hold one entry only, and whether `host` means `:authority`. */
export type MapKind = "requestHeaders" | "responseHeaders" | "requestTrailers" | "responseTrailers";

const colon = 58;
/** Of requests Envoy looks at what an upstream is sent, of responses at no more than what would end a header. */
const invalidValues = { request: /[\0-\x08\n-\x1f\x7f]/, other: /[\0\r\n]/ };
const invalidName = /[^!#$%&'*+\-.^_`|~0-9A-Za-z:]/;

const inlineHeaders: Record<MapKind, ReadonlySet<string>> = {
  requestHeaders: inlineRequestHeaders,
  responseHeaders: inlineResponseHeaders,
  requestTrailers: new Set(),
  responseTrailers: inlineResponseTrailers,
};

/**
 * Headers in order, as Envoy keeps them: pseudo headers stand first, names are lower case, and a second value of a header
 * that Envoy holds in a fixed place is joined to the first. Values are latin1.
 */
export class HeaderMap {
  readonly kind: MapKind;
  /** Names and values in turn. */
  readonly entries: string[] = [];
  /** Set when a filter wrote something that may not be valid: {@link firstInvalid} then tells. */
  isSuspect = false;
  readonly #inline: ReadonlySet<string>;
  readonly #invalidValue: RegExp;
  #pseudoEnd = 0;

  constructor(kind: MapKind) {
    this.kind = kind;
    this.#inline = inlineHeaders[kind];
    this.#invalidValue = kind === "requestHeaders" ? invalidValues.request : invalidValues.other;
  }

  static from(kind: MapKind, headers: HeadersInit | undefined): HeaderMap {
    const map = new HeaderMap(kind);
    for (const [name, value] of headerPairs(headers)) map.add(name, toLatin1(value));
    return map;
  }

  /** Of names and values in turn, as Node hands them over. */
  static fromRaw(kind: MapKind, raw: readonly string[]): HeaderMap {
    const map = new HeaderMap(kind);
    for (let i = 0; i < raw.length; i += 2) map.add(raw[i]!.toLowerCase(), raw[i + 1]!);
    return map;
  }

  get size(): number {
    return this.entries.length >> 1;
  }

  /** Bytes of all names and values. */
  get byteSize(): number {
    let bytes = 0;
    for (const text of this.entries) bytes += text.length;
    return bytes;
  }

  /** The first value. */
  get(name: string): string | null {
    const i = this.#find(this.#key(name));
    return i < 0 ? null : this.entries[i + 1]!;
  }

  /** All values joined by a comma. */
  getAll(name: string): string | null {
    const key = this.#key(name);
    let all: string | null = null;
    for (let i = 0; i < this.entries.length; i += 2) {
      if (this.entries[i] === key) all = all === null ? this.entries[i + 1]! : `${all},${this.entries[i + 1]!}`;
    }
    return all;
  }

  has(name: string): boolean {
    return this.#find(this.#key(name)) >= 0;
  }

  /** Whether one of the values is this one. */
  hasValue(name: string, value: string): boolean {
    const key = this.#key(name);
    return this.entries.some((entry, i) => i % 2 === 0 && entry === key && this.entries[i + 1] === value);
  }

  /** As {@link add}, for what a filter wrote. */
  addUnchecked(name: string, value: string): void {
    this.isSuspect ||= this.#invalidValue.test(value) || invalidName.test(name);
    this.add(name, value);
  }

  /** As {@link replace}, for what a filter wrote. */
  replaceUnchecked(name: string, value: string): void {
    this.isSuspect ||= this.#invalidValue.test(value) || invalidName.test(name);
    this.replace(name, value);
  }

  add(name: string, value: string): void {
    const key = this.#key(name);
    if (this.#inline.has(key)) {
      const i = this.#find(key);
      if (i >= 0) {
        const old = this.entries[i + 1]!;
        if (value !== "") this.entries[i + 1] = old === "" ? value : `${old},${value}`;
        return;
      }
    }
    this.#insert(key, value);
  }

  /** As {@link add}, for a name that is not there yet. */
  append(name: string, value: string): void {
    this.#insert(name, value);
  }

  /** Removes every value, then adds this one. */
  replace(name: string, value: string): void {
    const key = this.#key(name);
    if (this.#find(key) >= 0) this.remove(key);
    this.#insert(key, value);
  }

  /** Changes the value where it stands, or adds it. */
  set(name: string, value: string): void {
    const i = this.#find(name);
    if (i < 0) this.#insert(name, value);
    else this.entries[i + 1] = value;
  }

  remove(name: string): void {
    const key = this.#key(name);
    const entries = this.entries;
    let kept = 0;
    for (let i = 0; i < entries.length; i += 2) {
      if (entries[i] === key) {
        if (key.charCodeAt(0) === colon) this.#pseudoEnd -= 2;
        continue;
      }
      entries[kept] = entries[i]!;
      entries[kept + 1] = entries[i + 1]!;
      kept += 2;
    }
    entries.length = kept;
  }

  /** What of a header HTTP/1.1 cannot carry: the first name that is no token, or the name of the first such value. */
  firstInvalid(): { part: "name" | "value"; name: string } | null {
    const { entries } = this;
    for (let i = 0; i < entries.length; i += 2) {
      const name = entries[i]!;
      if (this.#invalidValue.test(entries[i + 1]!)) return { part: "value", name };
      if (name !== "" && invalidName.test(name)) return { part: "name", name };
    }
    return null;
  }

  /** Removes the headers of a set, but for some of them. */
  hasAny(names: ReadonlySet<string>): boolean {
    for (let i = 0; i < this.entries.length; i += 2) if (names.has(this.entries[i]!)) return true;
    return false;
  }

  removeAll(names: ReadonlySet<string>, except: ReadonlySet<string>): void {
    for (let i = this.entries.length - 2; i >= 0; i -= 2) {
      const key = this.entries[i]!;
      if (names.has(key) && !except.has(key)) this.entries.splice(i, 2);
    }
  }

  clear(): void {
    this.entries.length = 0;
    this.#pseudoEnd = 0;
  }

  list(): HeaderList {
    const list: [string, string][] = [];
    for (let i = 0; i < this.entries.length; i += 2) list.push([this.entries[i]!, this.entries[i + 1]!]);
    return list;
  }

  #key(name: string): string {
    return name === "host" && this.kind === "requestHeaders" ? ":authority" : name;
  }

  #find(key: string): number {
    const entries = this.entries;
    for (let i = 0; i < entries.length; i += 2) if (entries[i] === key) return i;
    return -1;
  }

  #insert(key: string, value: string): void {
    if (key.charCodeAt(0) === colon) {
      if (this.#pseudoEnd !== this.entries.length) {
        this.entries.splice(this.#pseudoEnd, 0, key, value);
        this.#pseudoEnd += 2;
        return;
      }
      this.#pseudoEnd += 2;
    }
    this.entries.push(key, value);
  }
}

/** Text that is not latin1 goes out as UTF-8. */
export function toLatin1(value: string): string {
  for (let i = 0; i < value.length; i++) {
    if (value.charCodeAt(i) > 255) return Buffer.from(value, "utf8").toString("latin1");
  }
  return value;
}
