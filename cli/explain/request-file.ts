import { isIP } from "node:net";
import { parse } from "yaml";
import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import { Problem } from "../problem.ts";
import { readText } from "../raw-config.ts";
import schema from "./request.schema.json" with { type: "json" };

/** What an external service says: truth, that it is away, or an answer as OPA gives it. */
export type ServiceAnswer = boolean | "unavailable" | Record<string, unknown>;

/** A request with what the proxy knows about its connection. */
export interface Request {
  method: string;
  /** With its query. */
  path: string;
  /** Lower-case names, `host` first. */
  headers: [name: string, value: string][];
  isHttps: boolean;
  body: string | null;
  sourceIp: string;
  /** The URI of the client's certificate; `null` without mTLS. */
  principal: string | null;
  destinationIp: string;
  destinationPort: number;
  serverName: string | null;
  metadata: Record<string, Record<string, string>>;
  /** Milliseconds since the epoch. */
  time: number;
  /** Of a token that has to be made; `null` for none. */
  claims: Record<string, unknown> | null;
  services: Record<string, ServiceAnswer>;
}

interface RequestFields {
  method?: string;
  url?: string;
  path?: string;
  headers?: Record<string, string | string[]>;
  body?: string;
  source?: { ip?: string; principal?: string };
  destination?: { ip?: string; port?: number };
  sni?: string;
  metadata?: Record<string, Record<string, string>>;
  time?: string;
  claims?: Record<string, unknown>;
  services?: Record<string, ServiceAnswer>;
}

const validate = new Ajv2020({
  allErrors: true,
  verbose: true,
  formats: {
    ip: (text: string) => isIP(text) !== 0,
    "date-time": (text: string) => /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text)),
  },
}).compile<RequestFields>(schema);

/** Reads a request in YAML or JSON; a {@link Problem} names all fields that are wrong. Its shape: request.schema.json. */
export async function readRequestFile(file: string): Promise<Request> {
  const text = await readText(file);
  let value: unknown;
  try {
    // Texts that look like dates are texts: a time is one.
    value = parse(text);
  } catch (error) {
    throw new Problem(`${file}: ${(error as Error).message.split("\n", 1)[0]}`);
  }
  if (!validate(value)) {
    const problems = new Set(validate.errors!.flatMap(describeError));
    throw new Problem([...problems].map((problem) => `${file}: ${problem}`).join("\n"));
  }
  return normalize(value, file);
}

function normalize(fields: RequestFields, file: string): Request {
  if (fields.url !== undefined && !URL.canParse(fields.url)) throw new Problem(`${file}: url: is no URL`);
  const headers = headersOf(fields);
  const { principal } = fields.source ?? {};
  return {
    method: fields.method ?? "GET",
    // As it is written: a parsed URL would be normalised.
    path: fields.path ?? pathOf(fields.url!),
    headers,
    isHttps: fields.url?.startsWith("https:") ?? false,
    body: fields.body ?? null,
    sourceIp: fields.source?.ip ?? "127.0.0.1",
    principal: principal === undefined || principal.includes("://") ? (principal ?? null) : `spiffe://${principal}`,
    destinationIp: fields.destination?.ip ?? "127.0.0.1",
    destinationPort: fields.destination?.port ?? 8080,
    serverName: fields.sni ?? null,
    metadata: fields.metadata ?? {},
    time: fields.time === undefined ? Date.now() : Date.parse(fields.time),
    claims: fields.claims ?? null,
    services: fields.services ?? {},
  };
}

function pathOf(url: string): string {
  const path = url.replace(/^https?:\/\/[^/?#]*/, "");
  return path.startsWith("/") ? path : `/${path}`;
}

function headersOf({ url, headers = {} }: RequestFields): [string, string][] {
  const lines = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name.toLowerCase(), value]),
  );
  const host = lines.find(([name]) => name === "host")?.[1] ?? url?.replace(/^https?:\/\/([^/?#]*).*$/s, "$1");
  return [["host", host ?? "localhost"], ...lines.filter(([name]) => name !== "host")];
}

function describeError({ instancePath, keyword, params, message, parentSchema }: ErrorObject): string[] {
  const place = instancePath.slice(1).replaceAll("/", ".").replaceAll("~1", "/").replaceAll("~0", "~");
  const at = (text: string) => (place === "" ? text : `${place}: ${text}`);
  if (keyword === "oneOf") return [at("exactly one of url and path must be set")];
  // What is missing of the alternatives is told with them.
  if (keyword === "required" && instancePath === "") return [];
  if (keyword === "additionalProperties") {
    const known = Object.keys((parentSchema as { properties?: object }).properties ?? {});
    const name = String((params as { additionalProperty: string }).additionalProperty);
    return [`${place === "" ? "" : `${place}.`}${name}: unknown field; there are ${known.join(", ")}`];
  }
  if (keyword === "const" || keyword === "propertyNames") return [];
  return [at(message ?? keyword)];
}
