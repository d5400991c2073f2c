import { generateKeyPairSync, sign as signBytes } from "node:crypto";
import { deflateSync } from "node:zlib";
import type { GuestWriter } from "../../../harness/testing/guest.ts";
import { bytesField, textField, varintField } from "../protobuf.ts";
import type { RowName } from "../rows.ts";
import type { Scenario } from "../scenario.ts";
import { goOn, only, whenRequested } from "./callbacks.ts";

/** Calls, and logs status, size and result. */
function call(w: GuestWriter, name: string, args: string, label = name): string {
  return `(i64.store (i32.const 8) (i64.const 0)) ${w.show(label, w.call("proxy_call_foreign_function", [name], [args], 8, 12))}
    ${w.show("size", "(i32.load (i32.const 12))")}
    (if (i32.lt_u (i32.load (i32.const 12)) (i32.const 200))
      (then (call $begin) (call $hex (i32.load (i32.const 8)) (i32.load (i32.const 12))) (call $flush)))`;
}

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

const functions: Scenario[] = [
  whenRequested("foreign functions: none of that name", ["foreign functions: unknown", "calls: memory validity"], (w) =>
    [
      call(w, "nope", "args"),
      call(w, "", ""),
      w.show("name", w.call("proxy_call_foreign_function", -1, 5, 0, 0, 0, 4)),
      w.show("arguments", w.call("proxy_call_foreign_function", ["compress"], -1, 5, 8, 12)),
      w.show("result", w.call("proxy_call_foreign_function", ["compress"], ["abc"], -1, 12)),
      w.show("size", w.call("proxy_call_foreign_function", ["compress"], ["abc"], 8, -1)),
    ].join("\n"),
  ),
  whenRequested("foreign functions: the result left out", ["foreign functions: results"], (w) =>
    [
      w.show("neither", w.call("proxy_call_foreign_function", ["clear_route_cache"], [""], 0, 0)),
      `(i64.store (i32.const 8) (i64.const -1))`,
      w.show("without a result", w.call("proxy_call_foreign_function", ["clear_route_cache"], [""], 8, 12)),
      w.show("pointer", "(i32.load (i32.const 8))"),
      w.show("size", "(i32.load (i32.const 12))"),
    ].join("\n"),
  ),
  whenRequested("foreign functions: compress and uncompress", ["foreign functions: compress"], (w) =>
    [
      call(w, "uncompress", latin1(deflateSync("hello hello hello"))),
      call(w, "uncompress", latin1(deflateSync(""))),
      call(w, "uncompress", latin1(deflateSync("x".repeat(100_000)))),
      call(w, "uncompress", "not zlib"),
      call(w, "uncompress", ""),
      call(w, "uncompress", latin1(deflateSync("hello hello").subarray(0, 8))),
      call(w, "compress", ""),
      call(w, "compress", "hello hello hello hello"),
    ].join("\n"),
  ),
  {
    name: "foreign functions: a declared property",
    covers: ["foreign functions: declare_property"],
    plugins: [
      {
        guest: (w) => ({
          proxy_on_configure: `${[
            declare("free"),
            declare("fixed", { readonly: true }),
            declare("fixed"),
            declare("connection", { span: 2 }),
            declare("request", { span: 1 }),
            declare("typed", { type: 1 }),
            "\xff\xff",
            "",
          ]
            .map((args) => call(w, "declare_property", args, "declare"))
            .join("\n")} (i32.const 1)`,
          proxy_on_request_headers: `${["free", "fixed", "connection", "request", "typed", "undeclared"]
            .map(
              (name) => `${w.show(`set ${name}`, w.call("proxy_set_property", [name], ["one"]))}
                ${w.show("again", w.call("proxy_set_property", [name], ["two"]))} ${w.logProperty(name)}`,
            )
            .join("\n")} ${goOn("headers")}`,
        }),
      },
    ],
    requests: [{}, {}],
  },
  whenRequested("foreign functions: filter state of the proxy", ["foreign functions: set_envoy_filter_state"], (w) =>
    [
      call(
        w,
        "set_envoy_filter_state",
        textField(1, "envoy.tcp_proxy.cluster") + textField(2, "up") + varintField(3, 1),
      ),
      call(w, "set_envoy_filter_state", textField(1, "nothing.of.that.name") + textField(2, "up")),
      call(w, "set_envoy_filter_state", textField(1, "envoy.network.upstream_server_name") + textField(2, "a.example")),
      call(w, "set_envoy_filter_state", "\xff\xff"),
      w.logProperty("filter_state\0envoy.network.upstream_server_name"),
    ].join("\n"),
  ),
];

function declare(name: string, { readonly = false, type = 0, span = 0 } = {}): string {
  return [
    textField(1, name),
    readonly ? varintField(2, 1) : "",
    type === 0 ? "" : varintField(3, type),
    span === 0 ? "" : varintField(5, span),
  ].join("");
}

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });

function verification(key: typeof rsa, hash: string, text: string, signature: Uint8Array): string {
  return [
    textField(1, hash),
    bytesField(2, key.publicKey.export({ type: "spki", format: "der" })),
    bytesField(3, signature),
    textField(4, text),
  ].join("");
}

const rsaSignature = signBytes("sha256", Buffer.from("text"), rsa.privateKey);
const ecSignature = signBytes("sha256", Buffer.from("text"), ec.privateKey);
const rsaPem = rsa.publicKey.export({ type: "spki", format: "pem" }) as string;

const verifications: [what: string, args: string][] = [
  ["RSA, right", verification(rsa, "sha256", "text", rsaSignature)],
  ["RSA, another text", verification(rsa, "sha256", "next", rsaSignature)],
  ["RSA, another hash", verification(rsa, "sha512", "text", rsaSignature)],
  ["RSA, hash in capitals", verification(rsa, "SHA256", "text", rsaSignature)],
  ["RSA, no such hash", verification(rsa, "md0", "text", rsaSignature)],
  ["RSA, half a signature", verification(rsa, "sha256", "text", rsaSignature.subarray(0, 128))],
  ["RSA, no signature", verification(rsa, "sha256", "text", new Uint8Array(0))],
  ["EC, right", verification(ec, "sha256", "text", ecSignature)],
  ["EC, another text", verification(ec, "sha256", "next", ecSignature)],
  ["EC, no signature in DER", verification(ec, "sha256", "text", new Uint8Array(64))],
  ["a key as PEM", textField(1, "sha256") + bytesField(3, rsaSignature) + textField(4, "text") + textField(5, rsaPem)],
  [
    "a key that is none",
    textField(1, "sha256") + textField(2, "key") + bytesField(3, rsaSignature) + textField(4, "text"),
  ],
  [
    "PEM that is none",
    textField(1, "sha256") + bytesField(3, rsaSignature) + textField(4, "text") + textField(5, "key"),
  ],
  ["no key", textField(1, "sha256") + bytesField(3, rsaSignature) + textField(4, "text")],
  ["two keys", verification(rsa, "sha256", "text", rsaSignature) + textField(5, rsaPem)],
  ["nothing", ""],
  ["no message", "\xff\xff"],
];

const privateDer = latin1(rsa.privateKey.export({ type: "pkcs8", format: "der" }));
const signings: [what: string, args: string][] = [
  ["RSA", textField(1, "sha256") + textField(2, privateDer) + textField(3, "text")],
  [
    "PEM",
    textField(1, "sha256") +
      textField(3, "text") +
      textField(4, rsa.privateKey.export({ type: "pkcs8", format: "pem" }) as string),
  ],
  ["no such hash", textField(1, "md0") + textField(2, privateDer) + textField(3, "text")],
  ["a key that is none", textField(1, "sha256") + textField(2, "key") + textField(3, "text")],
  ["no key", textField(1, "sha256") + textField(3, "text")],
  ["nothing", ""],
];

function eachArgument(name: string, row: RowName, list: readonly [string, string][]): Scenario[] {
  return list.map(([what, args]) =>
    whenRequested(`foreign functions: ${name}, ${what}`, [row], (w) => call(w, name, args)),
  );
}

const everywhere: Scenario[] = ["proxy_on_configure", "proxy_on_log", "proxy_on_done"].map((callback) => ({
  name: `foreign functions: in ${callback}`,
  covers: ["foreign functions: phases"],
  plugins: [
    {
      guest:
        callback === "proxy_on_configure"
          ? (w: GuestWriter) => ({
              [callback]: `${call(w, "clear_route_cache", "")} ${call(w, "uncompress", "x")} (i32.const 1)`,
            })
          : only(callback, (w) => `${call(w, "clear_route_cache", "")} ${call(w, "uncompress", "x")}`),
    },
  ],
}));

export const foreignFunctions: readonly Scenario[] = [
  ...functions,
  ...eachArgument("verify_signature", "foreign functions: verify_signature", verifications),
  ...eachArgument("sign", "foreign functions: sign", signings),
  ...everywhere,
];
