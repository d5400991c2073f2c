import type { BodyInit, HeaderList, HeadersInit, Response, UpstreamRequest } from "./host.ts";

/** Headers in any of their written forms, as a list with lower-case names. */
export function headerPairs(headers: HeadersInit | undefined): [name: string, value: string][] {
  if (headers === undefined) return [];
  const list = Array.isArray(headers)
    ? (headers as HeaderList)
    : Object.entries(headers as Record<string, string | string[]>);
  const pairs: [string, string][] = [];
  for (const [name, value] of list) {
    const key = name.toLowerCase();
    if (Array.isArray(value)) for (const single of value as string[]) pairs.push([key, single]);
    else pairs.push([key, value as string]);
  }
  return pairs;
}

/** Node's flat list of names and values, as pairs with lower-case names. */
export function pairsOf(raw: readonly string[]): [name: string, value: string][] {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[2 * index]!.toLowerCase(), raw[2 * index + 1]!]);
}

/** A body in any of its written forms, as the chunks it is sent in; none when it is absent or empty. */
export function bodyChunks(body: BodyInit | readonly BodyInit[] | undefined): Uint8Array[] {
  if (body === undefined) return [];
  const list = Array.isArray(body) ? (body as readonly BodyInit[]) : [body as BodyInit];
  return list
    .map((chunk) => (typeof chunk === "string" ? Buffer.from(chunk) : chunk))
    .filter((chunk) => chunk.length > 0);
}

class Message {
  readonly headers: HeaderList;
  readonly body: Uint8Array;
  readonly trailers: HeaderList;

  constructor(parts: { headers: HeaderList; body: Uint8Array; trailers: HeaderList }) {
    this.headers = parts.headers;
    this.body = parts.body;
    this.trailers = parts.trailers;
  }

  header(name: string): string | null {
    const wanted = name.toLowerCase();
    return this.headers.find(([known]) => known === wanted)?.[1] ?? null;
  }

  text(): string {
    return Buffer.from(this.body.buffer, this.body.byteOffset, this.body.length).toString("utf8");
  }
}

export class ResponseData extends Message implements Response {
  readonly status: number;

  constructor(parts: Pick<Response, "status" | "headers" | "body" | "trailers">) {
    super(parts);
    this.status = parts.status;
  }
}

export class UpstreamRequestData extends Message implements UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly authority: string;

  constructor(parts: Pick<UpstreamRequest, "method" | "path" | "authority" | "headers" | "body" | "trailers">) {
    super(parts);
    this.method = parts.method;
    this.path = parts.path;
    this.authority = parts.authority;
  }
}
