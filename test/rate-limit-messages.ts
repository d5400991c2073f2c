/** Messages of `envoy.service.ratelimit.v3`, as far as tests need them. */
export interface RateLimitReply {
  /** 0 UNKNOWN, 1 OK, 2 OVER_LIMIT. */
  code: number;
  statuses: readonly {
    code: number;
    limit: { requestsPerUnit: number; unit: number; name: string };
    remaining: number;
    resetSeconds: number;
  }[];
  responseHeaders?: Record<string, string>;
  requestHeaders?: Record<string, string>;
  body?: string;
}

export interface RateLimitRequest {
  domain: string;
  hitsAddend: number;
  /** `key=value`; limit: requests per unit, unit. */
  descriptors: { entries: string[]; limit?: number[]; hitsAddend?: number }[];
}

export function rateLimitReply(reply: RateLimitReply): Buffer {
  const header = ([name, value]: [string, string]) => [text(1, name), text(2, value)];
  return Buffer.concat([
    number(1, reply.code),
    ...reply.statuses.map(({ code, limit, remaining, resetSeconds }) =>
      message(2, [
        number(1, code),
        message(2, [number(1, limit.requestsPerUnit), number(2, limit.unit), text(3, limit.name)]),
        number(3, remaining),
        message(4, [number(1, resetSeconds)]),
      ]),
    ),
    ...Object.entries(reply.responseHeaders ?? {}).map((entry) => message(3, header(entry))),
    ...Object.entries(reply.requestHeaders ?? {}).map((entry) => message(4, header(entry))),
    ...(reply.body === undefined ? [] : [text(5, reply.body)]),
  ]);
}

export function readRateLimitRequest(bytes: Uint8Array): RateLimitRequest {
  const request: RateLimitRequest = { domain: "", hitsAddend: 0, descriptors: [] };
  for (const [field, value] of fields(bytes)) {
    if (field === 1) request.domain = value.toString();
    else if (field === 3) request.hitsAddend = Number(value);
    else if (field === 2) request.descriptors.push(readDescriptor(value as Buffer));
  }
  return request;
}

function readDescriptor(bytes: Buffer): RateLimitRequest["descriptors"][number] {
  const descriptor: RateLimitRequest["descriptors"][number] = { entries: [] };
  for (const [field, value] of fields(bytes)) {
    const inner = fields(value as Buffer).map(([, member]) => member);
    if (field === 1) descriptor.entries.push(inner.join("="));
    else if (field === 2) descriptor.limit = inner.map(Number);
    else if (field === 3) descriptor.hitsAddend = Number(inner[0]);
  }
  return descriptor;
}

/** Numbers and blocks, the only kinds these messages have. */
function fields(bytes: Uint8Array): [field: number, value: number | Buffer][] {
  const found: [number, number | Buffer][] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const value = varint();
    if (tag % 8 === 0) found.push([tag >> 3, value]);
    else found.push([tag >> 3, Buffer.from(bytes.subarray(at, (at += value)))]);
  }
  return found;
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

const number = (field: number, value: number) => Buffer.from([field * 8, ...varint(value)]);
const block = (field: number, bytes: Buffer) =>
  Buffer.concat([Buffer.from([field * 8 + 2, ...varint(bytes.length)]), bytes]);
const text = (field: number, value: string) => block(field, Buffer.from(value));
const message = (field: number, members: Buffer[]) => block(field, Buffer.concat(members));
