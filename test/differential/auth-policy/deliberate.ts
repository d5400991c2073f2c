import { isUtf8 } from "node:buffer";
import type { Request } from "./generator.ts";
import { tokensOf } from "./tokens.ts";
import type { Policy, Table } from "./policy.ts";

interface Deliberate {
  /** Where the decision is written down. */
  reference: string;
  applies: (table: Table, request: Request) => boolean;
}

/**
 * Inputs for which the filter denies on purpose what Envoy's own filters let pass. None is a well-formed request with
 * single values: its path is in normal form, and no header has several values.
 */
const all: readonly Deliberate[] = [
  {
    // The upstream may read the path in another way than the proxy, which was told to leave it as it is.
    reference: "a path that is not in normal form: RFC 3986 §6.2.2, CVE-2021-31920",
    applies: ({ normalizesPath, pathNormalization, policies }, { target }) =>
      !(normalizesPath && pathNormalization === "base") &&
      asksFor(policies, /"(paths|notPaths)":/) &&
      notNormal[pathNormalization].some((form) => form.test(target.replace(/[?#].*/s, ""))),
  },
  {
    // Envoy lets pass what one of the lines lets pass, and does not look into lists.
    reference: "several values of one header: CVE-2026-26308",
    applies: ({ multiValue, policies }, { headers }) =>
      multiValue === "strict" &&
      headers.some(
        ([name, value]) =>
          asksFor(policies, `"request.headers[${name}]"`) &&
          (value.includes(",") || headers.filter((other) => sameName(other[0], name)).length > 1),
      ),
  },
  {
    // Envoy compares it with blocks of IPv6 only; it is the same address as the one of IPv4.
    reference: "an IPv4 address that is mapped into IPv6: RFC 4291 §2.5.5.2",
    applies: ({ policies }, { headers }) =>
      asksFor(policies, /emoteIpBlocks"|"remote\.ip"/) && headers.some(([, value]) => value.startsWith("::ffff:")),
  },
  {
    // Envoy drops empty parts, what surrounds a token and a 65th byte of a signature, and lets unused bits of base64 pass.
    reference:
      "a token that is not three parts of base64url with JSON in them: RFC 7515 §7.1, RFC 7518 §3.4, RFC 4648 §3.5, RFC 8259",
    applies: ({ jwtRules }, request) => jwtRules.length > 0 && !tokensOf(request).every(isWellFormed),
  },
  {
    // Envoy looks at the first and hands on what it did not look at.
    reference: "several tokens in one header: RFC 9110 §5.3",
    applies: ({ jwtRules }, { headers }) =>
      jwtRules.length > 0 &&
      headers.some(([name], index) => {
        const isLater = headers.findIndex((other) => sameName(other[0], name)) < index;
        return isLater && /^(authorization|x-token|x-prefixed|cookie)$/i.test(name);
      }),
  },
  {
    // Envoy takes them or not depending on where they are, and on whether it takes the first out of the request.
    reference:
      'tokens of several issuers: Istio\'s RequestAuthentication, "requests with multiple tokens … are not supported"',
    applies: ({ jwtRules }, request) => jwtRules.length > 1 && new Set(tokensOf(request).map(issuerOf)).size > 1,
  },
];

/** Escapes of what needs none, backslashes, dot segments, NUL, and characters that must not stand in a path. */
const base = [
  /%(2d|2e|3\d|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae])/i,
  /\\/,
  /(^|\/)\.\.?(;|\/|$)/,
  /%00/,
  /[^!#-;=?-[\]_a-z~]/,
];
const merged = [...base, /\/\//];
const notNormal = {
  none: [],
  base,
  mergeSlashes: merged,
  decodeAndMergeSlashes: [...merged, /%2f|%5c/i],
} satisfies Record<Table["pathNormalization"], RegExp[]>;

function asksFor(policies: readonly Policy[], what: RegExp | string): boolean {
  const text = JSON.stringify(policies);
  return typeof what === "string" ? text.toLowerCase().includes(what.toLowerCase()) : what.test(text);
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Why ours may deny what native allows, or `null`. */
export function deliberateDifference(table: Table, request: Request): string | null {
  return all.find(({ applies }) => applies(table, request))?.reference ?? null;
}

function issuerOf(token: string): unknown {
  return readJson(Buffer.from(token.split(".")[1] ?? "", "base64url"))?.["iss"];
}

/** One that everybody reads alike. */
function isWellFormed(token: string): boolean {
  const parts = token.split(".").map((part) => Buffer.from(part, "base64url"));
  if (parts.length !== 3 || parts.map((part) => part.toString("base64url")).join(".") !== token) return false;
  const [header, payload, signature] = parts as [Buffer, Buffer, Buffer];
  const read = readJson(header);
  if (read === null || readJson(payload) === null) return false;
  const hasFixedSize = read.alg === "ES256" || read.alg === "EdDSA";
  return hasFixedSize ? signature.length === 64 : signature.length > 0;
}

function readJson(bytes: Buffer): Record<string, unknown> | null {
  try {
    return isUtf8(bytes) ? (JSON.parse(bytes.toString()) as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
