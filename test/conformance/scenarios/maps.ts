import type { GuestWriter } from "../../../harness/testing/guest.ts";
import { encodePairs } from "../../../harness/wasm/pairs.ts";
import type { Scenario } from "../scenario.ts";
import { fullClusters, fullRequest, goOn, only, shortName, streamCallbacks } from "./callbacks.ts";

const mapNames = [
  "request headers",
  "request trailers",
  "response headers",
  "response trailers",
  "gRPC initial metadata",
  "gRPC trailing metadata",
  "call headers",
  "call trailers",
  "map 8, which is none",
];

/** Every map in every callback: what can be read, and what can be written. */
const availability: Scenario[] = streamCallbacks.flatMap((callback) =>
  mapNames.map((name, map) => ({
    name: `maps: ${name} in ${shortName(callback)}`,
    covers: ["maps available"],
    plugins: [{ guest: only(callback, (w) => readAll(w, map) + writeAll(w, map)) }],
    clusters: fullClusters,
    requests: [fullRequest],
    logs: ["x-new!"],
  })),
);

function readAll(w: GuestWriter, map: number): string {
  return [
    map === 8 ? "" : w.logPairs(map),
    ...[":path", "x-a", "x-trailer", "x-up", "x-up-trailer", ":status", "nope"].map((name) => w.logValue(map, name)),
    w.show("size", w.call("proxy_get_header_map_size", map, 0)),
  ].join("\n");
}

function writeAll(w: GuestWriter, map: number): string {
  return [
    w.show("add", w.call("proxy_add_header_map_value", map, ["x-new"], ["1"])),
    w.show("replace", w.call("proxy_replace_header_map_value", map, ["x-new"], ["2"])),
    w.logValue(map, "x-new"),
    w.show("remove", w.call("proxy_remove_header_map_value", map, ["x-new"])),
    w.show("remove absent", w.call("proxy_remove_header_map_value", map, ["nope"])),
    w.logValue(map, "x-new"),
  ].join("\n");
}

/** What one operation makes of a request's or a response's headers. */
const operations: [name: string, calls: (w: GuestWriter, map: number) => string][] = [
  ["add a name twice", (w, map) => w.add(map, "x-n", "1") + w.add(map, "x-n", "2")],
  ["add to one that is there", (w, map) => w.add(map, "x-a", "2")],
  ["replace several lines", (w, map) => w.add(map, "x-a", "2") + w.replace(map, "x-a", "3")],
  ["replace what is absent", (w, map) => w.replace(map, "x-n", "1")],
  ["remove several lines", (w, map) => w.add(map, "x-a", "2") + w.remove(map, "x-a")],
  ["names in upper case", (w, map) => w.add(map, "X-Upper", "1") + w.logValue(map, "x-uPPer")],
  ["an empty value", (w, map) => w.add(map, "x-n", "")],
  ["bytes that are no UTF-8", (w, map) => w.add(map, "x-n", "\xff\x80") + w.logValue(map, "x-n")],
  ["a long value", (w, map) => w.add(map, "x-n", "v".repeat(8000))],
  ["spaces around a value", (w, map) => w.add(map, "x-n", " \tv ") + w.logValue(map, "x-n")],
  [
    "a second cookie",
    (w, map) => w.add(map, "cookie", "a=1") + w.add(map, "cookie", "b=2") + w.logValue(map, "cookie"),
  ],
  ["a second set-cookie", (w, map) => w.add(map, "set-cookie", "a=1") + w.add(map, "set-cookie", "b=2")],
  ["a second user-agent", (w, map) => w.add(map, "user-agent", "a") + w.add(map, "user-agent", "b")],
  [
    "a second x-forwarded-for",
    (w, map) => w.add(map, "x-forwarded-for", "1.2.3.4") + w.add(map, "x-forwarded-for", "5.6.7.8"),
  ],
  [
    "a content-type twice",
    (w, map) => w.add(map, "content-type", "a/b") + w.add(map, "content-type", "c/d") + w.logPairs(map),
  ],
  ["te", (w, map) => w.add(map, "te", "trailers") + w.logValue(map, "te")],
  ["connection", (w, map) => w.add(map, "connection", "close")],
  ["via", (w, map) => w.add(map, "via", "1.1 a") + w.add(map, "via", "1.1 b")],
  ["grpc-timeout", (w, map) => w.add(map, "grpc-timeout", "1S")],
  ["server", (w, map) => w.replace(map, "server", "mine")],
  ["date", (w, map) => w.replace(map, "date", "then")],
  [
    "all pairs at once",
    (w, map) =>
      w.logPairs(map) +
      set(w, map, [
        ":path",
        "/new",
        ":method",
        "GET",
        ":authority",
        "n",
        ":scheme",
        "http",
        ":status",
        "201",
        "x-only",
        "1",
      ]) +
      w.logPairs(map),
  ],
  ["no pairs", (w, map) => set(w, map, []) + w.logPairs(map)],
  [
    "pairs with an empty name",
    (w, map) => w.show("set", w.call("proxy_set_header_map_pairs", 3 - map, [encodePairs(["", "v"])])),
  ],
  ["host", (w, map) => w.add(map, "host", "other") + w.logValue(map, "host") + w.logValue(map, ":authority")],
];

function set(w: GuestWriter, map: number, pairs: string[]): string {
  return w.show("set", w.call("proxy_set_header_map_pairs", map, [encodePairs(pairs)]));
}

const changes: Scenario[] = operations.flatMap(([name, calls]) =>
  ([0, 2] as const).map((map) => ({
    name: `maps: ${name}, in ${mapNames[map]}`,
    covers: ["header map rules"],
    plugins: [
      {
        guest: only(
          map === 0 ? "proxy_on_request_headers" : "proxy_on_response_headers",
          (w) => calls(w, map) + w.logPairs(map),
        ),
      },
    ],
    clusters: { up: () => ({ headers: { "x-a": "1" }, body: "ok" }) },
    requests: [{ headers: { "x-a": "1" } }],
  })),
);

const pseudoHeaders: Scenario[] = [":path", ":method", ":authority", ":scheme"].flatMap((name): Scenario[] => [
  {
    name: `maps: ${name} removed`,
    covers: ["required headers"],
    plugins: [{ guest: only("proxy_on_request_headers", (w) => w.remove(0, name) + w.logPairs(0)) }],
  },
  ...(name === ":method" ? ["PUT"] : name === ":path" ? ["/new?q", "*"] : ["other"]).map((value): Scenario => ({
    name: `maps: ${name} replaced by ${value}`,
    covers: ["header map rules"],
    plugins: [{ guest: only("proxy_on_request_headers", (w) => w.replace(0, name, value) + w.logPairs(0)) }],
  })),
]);

const status: Scenario[] = ["201", "404", "500", "204", "304", "299"].map((code) => ({
  name: `maps: :status replaced by ${code}`,
  covers: ["header map rules"],
  plugins: [{ guest: only("proxy_on_response_headers", (w) => w.replace(2, ":status", code) + w.logPairs(2)) }],
  clusters: { up: () => ({ status: 200, headers: { "content-length": "0" } }) },
  statuses: [Number(code)],
}));

const pointers: Scenario[] = (
  [
    ["get", "proxy_get_header_map_value", [0, ["x-a"], -4, 4]],
    ["get into the last word", "proxy_get_header_map_value", [0, ["x-a"], 131068, 0]],
    ["get past the last word", "proxy_get_header_map_value", [0, ["x-a"], 131069, 0]],
    ["get with a name outside", "proxy_get_header_map_value", [0, 131071, 2, 0, 4]],
    ["add with a name outside", "proxy_add_header_map_value", [0, 131071, 2, ["v"]]],
    ["add with a value outside", "proxy_add_header_map_value", [0, ["x-n"], -1, 1]],
    ["replace with a value outside", "proxy_replace_header_map_value", [0, ["x-n"], -1, 1]],
    ["remove with a name outside", "proxy_remove_header_map_value", [0, -1, 1]],
    ["pairs into nowhere", "proxy_get_header_map_pairs", [0, -1, 0]],
    ["pairs from outside", "proxy_set_header_map_pairs", [2, -1, 8]],
    ["size into nowhere", "proxy_get_header_map_size", [0, -1]],
    ["an empty name at the end of memory", "proxy_get_header_map_value", [0, 131072, 0, 0, 4]],
  ] as [string, string, (number | [string])[]][]
).map(([name, call, args]) => ({
  name: `maps: pointers, ${name}`,
  covers: ["pointers"],
  plugins: [
    { guest: only("proxy_on_request_headers", (w) => w.show("status", w.call(call, ...args)) + w.logPairs(0)) },
  ],
  requests: [{ headers: { "x-a": "1" } }],
  logs: ["status="],
}));

/** Blobs that are no pairs, and those just within the limits. */
const blobs: [what: string, blob: string][] = [
  ["nothing", ""],
  ["a byte", "\0"],
  ["no pairs", "\0\0\0\0"],
  ["a byte too many", encodePairs(["x-a", "1"]) + "\0"],
  ["a byte too few", encodePairs(["x-a", "1"]).slice(0, -1)],
  ["no NUL behind the name", encodePairs(["x-a", "1"]).replace("x-a\0", "x-a!")],
  ["no NUL behind the value", encodePairs(["x-a", "1"]).slice(0, -1) + "!"],
  ["a NUL inside of a value", encodePairs(["x-a", "1\0" + "2"])],
  ["a count that is too large", "\x09" + encodePairs(["x-a", "1"]).slice(1)],
  ["a length that is too large", encodePairs(["x-a", "1"]).replace("\x03\0\0\0", "\x63\0\0\0")],
];

const malformed: Scenario[] = blobs.map(([what, blob]) => ({
  name: `maps: set to a blob of ${what}`,
  covers: ["pairs: malformed"],
  plugins: [
    {
      guest: only(
        "proxy_on_response_headers",
        (w) =>
          `${w.show("set", w.call("proxy_set_header_map_pairs", 2, [blob]))} ${w.logPairs(2)} ${w.replace(2, ":status", "200")}`,
      ),
    },
  ],
  clusters: { up: () => ({ headers: { "content-length": "0" } }) },
}));

const bounded: Scenario[] = [
  ["1024 pairs", Array.from({ length: 1024 }, (_, i) => [`x-${i}`, "1"]).flat()],
  ["1025 pairs", Array.from({ length: 1025 }, (_, i) => [`x-${i}`, "1"]).flat()],
].map(([what, pairs]) => ({
  name: `maps: set to ${what as string}`,
  covers: ["pairs: limits"],
  plugins: [
    {
      guest: only(
        "proxy_on_response_headers",
        (w) => `${w.show("set", w.call("proxy_set_header_map_pairs", 2, [encodePairs(pairs as string[])]))}
          ${w.show("size", w.call("proxy_get_header_map_size", 2, 0))} ${w.show("is", "(i32.load (i32.const 0))")}
          ${w.show("clear", w.call("proxy_set_header_map_pairs", 2, [encodePairs([":status", "200"])]))}`,
      ),
    },
  ],
}));

const largest: Scenario = {
  name: "maps: blobs of pairs of 1 MiB and more",
  covers: ["pairs: limits"],
  plugins: [
    {
      guest: only("proxy_on_response_headers", (w) => {
        const size = (value: number) => 4 + 8 + 4 + value + 1;
        const blob = (
          value: number,
        ) => `(i32.store (i32.const 131072) (i32.const 1)) (i32.store (i32.const 131076) (i32.const 3))
            (i32.store (i32.const 131080) (i32.const ${value})) (i32.store (i32.const 131084) (i32.const 0x00612d78))
            (memory.fill (i32.const 131088) (i32.const 97) (i32.const ${value})) (i32.store8 (i32.const ${131088 + value}) (i32.const 0))
            ${w.show("set", `(call $proxy_set_header_map_pairs (i32.const 2) (i32.const 131072) (i32.const ${size(value)}))`)}
            ${w.show("size", w.call("proxy_get_header_map_size", 2, 0))} ${w.show("is", "(i32.load (i32.const 0))")}`;
        const most = 1024 * 1024 - size(0);
        return `(drop (memory.grow (i32.const 20))) ${blob(most)} ${blob(most + 1)}
            ${w.show("end", w.call("proxy_set_header_map_pairs", 2, [encodePairs([":status", "200"])]))}`;
      }),
    },
  ],
};

/** Reading what another filter of the chain wrote, both ways. */
const chains: Scenario[] = [
  {
    name: "maps: two filters see each other's headers",
    covers: ["filter chains"],
    plugins: ["one", "two"].map((name) => ({
      name,
      guest: (w: GuestWriter) => ({
        proxy_on_request_headers: `${w.add(0, "x-by", name)} ${w.logValue(0, "x-by")} ${goOn("headers")}`,
        proxy_on_response_headers: `${w.add(2, "x-by", name)} ${w.logValue(2, "x-by")} ${goOn("headers")}`,
      }),
    })),
    logs: ["x-by=one", "x-by=two"],
  },
];

export const maps: readonly Scenario[] = [
  ...availability,
  ...changes,
  ...pseudoHeaders,
  ...status,
  ...pointers,
  ...malformed,
  ...bounded,
  largest,
  ...chains,
];
