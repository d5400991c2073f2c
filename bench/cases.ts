import { fileURLToPath } from "node:url";
import { builders } from "./modules.ts";

type Json = Record<string, unknown>;

/** One way to do a case's work: a module, or filters of Envoy's own. */
export interface Variant {
  name: string;
  module?: () => Promise<string>;
  configuration?: unknown;
  filters?: Json[];
}

export interface Case {
  name: string;
  what: string;
  variants: Variant[];
  /** Headers each request carries. */
  requestHeaders?: Record<string, string>;
  /** Of the direct response. */
  body?: string;
}

const TYPES = "type.googleapis.com/envoy.extensions.filters.http";
const assembly = (name: string) => async () =>
  fileURLToPath(new URL(`../assembly/${name}/build/plugin.wasm`, import.meta.url));

const made = (kind: keyof typeof builders, name: string): Variant => ({
  name: {
    ours: "Attaché",
    hand: "hand-written AssemblyScript",
    peer: "@gcoredev/proxy-wasm-sdk-as",
    rust: "Rust SDK",
    go: "Go",
  }[kind],
  module: async () => await builders[kind](name),
});
const lua = (code: string): Variant => ({
  name: "Lua",
  filters: [
    { name: "lua", typed_config: { "@type": `${TYPES}.lua.v3.Lua`, default_source_code: { inline_string: code } } },
  ],
});

const tenHeaders = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`x-h${i}`, `value-${i}`]));

export const cases: readonly Case[] = [
  {
    name: "noop",
    what: "two callbacks that do nothing",
    variants: [made("ours", "noop"), made("rust", "noop")],
  },
  {
    name: "add-header",
    what: "one header added to the response",
    variants: [
      made("hand", "add-header"),
      made("ours", "add-header"),
      made("rust", "add-header"),
      made("go", "add-header"),
      made("peer", "add-header"),
      lua('function envoy_on_response(handle) handle:headers():add("x-bench", "hello") end'),
      {
        name: "native header_mutation",
        filters: [
          {
            name: "header_mutation",
            typed_config: {
              "@type": `${TYPES}.header_mutation.v3.HeaderMutation`,
              mutations: { response_mutations: [{ append: { header: { key: "x-bench", value: "hello" } } }] },
            },
          },
        ],
      },
    ],
  },
  {
    name: "read-headers",
    what: "ten request headers read and their prefix matched",
    requestHeaders: tenHeaders,
    variants: [
      made("ours", "read-headers"),
      made("rust", "read-headers"),
      lua(
        'function envoy_on_request(handle) local h = handle:headers() for i = 0, 9 do local v = h:get("x-h" .. i) if not v or v:sub(1, 6) ~= "value-" then handle:respond({[":status"] = "403"}, "") end end end',
      ),
    ],
  },
  {
    name: "body",
    what: "a response body of 1 KiB replaced",
    body: "o".repeat(1024),
    variants: [
      made("ours", "body"),
      made("rust", "body"),
      lua(`function envoy_on_response(handle) handle:body():setBytes(string.rep("r", 1024)) end`),
    ],
  },
  {
    name: "shared-data",
    what: "one number in shared data counted up by compare-and-swap",
    variants: [made("ours", "shared-data"), made("rust", "shared-data")],
  },
  { name: "counter", what: "one counter incremented", variants: [made("ours", "counter"), made("rust", "counter")] },
  {
    name: "attributes",
    what: "three attributes read",
    variants: [made("ours", "attributes"), made("rust", "attributes")],
  },
  {
    name: "header-routing",
    what: "the last of N routes by a header (filter header-routing)",
    requestHeaders: { "x-route": "last" },
    variants: [10, 1000, 5000].map((count) => ({
      name: `Attaché, ${count} routes`,
      module: assembly("header-routing"),
      configuration: { http: routes(count) },
    })),
  },
];

function routes(count: number): Json[] {
  return Array.from({ length: count }, (_, i) => ({
    match: [{ uri: { prefix: "/" }, headers: { "x-route": { exact: i === count - 1 ? "last" : `route-${i}` } } }],
    route: [{ destination: { host: `service-${i}` } }],
  }));
}
