import type { GuestWriter } from "../../../harness/testing/guest.ts";
import { encodePairs } from "../../../harness/wasm/pairs.ts";
import type { Scenario } from "../scenario.ts";
import * as texts from "./expression-texts.ts";
import { fullClusters, fullRequest, goOn, streamCallbacks } from "./callbacks.ts";

/** Compiles and evaluates an expression, and logs `expression=hex`, or the status of the step that failed. */
const evaluate = `
  (func $evaluate (param $label i32) (param $label_size i32) (param $p i32) (param $n i32) (local $s i32)
    (call $begin) (call $text (local.get $label) (local.get $label_size))
    (local.set $s (call $proxy_call_foreign_function (i32.const 70) (i32.const 11) (local.get $p) (local.get $n) (i32.const 8) (i32.const 12)))
    (if (local.get $s)
      (then (call $text (i32.const 96) (i32.const 8)) (call $byte (i32.const 33)) (call $number (local.get $s)) (call $flush) (return)))
    (local.set $s (call $proxy_call_foreign_function (i32.const 81) (i32.const 13) (i32.load (i32.const 8)) (i32.const 4) (i32.const 8) (i32.const 12)))
    (if (local.get $s)
      (then (call $byte (i32.const 33)) (call $number (local.get $s)))
      (else (call $byte (i32.const 61)) (call $hex (i32.load (i32.const 8)) (i32.load (i32.const 12)))))
    (call $flush))
  (data (i32.const 70) "expr_createexpr_evaluate") (data (i32.const 96) " refused")`;

function evaluating(expressions: readonly string[]): (w: GuestWriter) => string {
  return (w) => expressions.map((text) => `(call $evaluate ${w.text(text)} ${w.text(text)})`).join("\n");
}

function scenario(what: string, expressions: readonly string[]): Scenario {
  return {
    covers: ["foreign functions: expressions"],
    name: `expressions: ${what}`,
    plugins: [
      {
        name: "reader",
        guest: (w) => ({ proxy_on_request_headers: `${evaluating(expressions)(w)} (i32.const 0)` }),
        wat: evaluate,
      },
    ],
    clusters: fullClusters,
    requests: [fullRequest],
  };
}

const inCallbacks: Scenario = {
  covers: ["foreign functions: expressions"],
  name: "expressions: attributes in all callbacks",
  plugins: [
    {
      name: "reader",
      rootId: "root",
      guest: (w) =>
        Object.fromEntries(
          [...streamCallbacks, "proxy_on_configure"].map((callback) => [
            callback,
            `${evaluating(texts.attributes.filter((text) => !text.includes("total")))(w)} ${callback === "proxy_on_configure" ? "(i32.const 1)" : goOn(callback)}`,
          ]),
        ),
      wat: evaluate,
    },
  ],
  clusters: fullClusters,
  requests: [fullRequest],
};

/** A call of a foreign function whose result, if there is one, is logged as hex. */
function foreign(w: GuestWriter, name: string, args: string): string {
  return `(call $foreign ${w.text(name)} ${w.text(args)})`;
}

const callForeign = `
  (func $foreign (param $p i32) (param $n i32) (param $a i32) (param $an i32) (local $s i32)
    (i64.store (i32.const 8) (i64.const 0))
    (call $begin) (call $text (local.get $p) (local.get $n))
    (local.set $s (call $proxy_call_foreign_function (local.get $p) (local.get $n) (local.get $a) (local.get $an) (i32.const 8) (i32.const 12)))
    (if (local.get $s)
      (then (call $byte (i32.const 33)) (call $number (local.get $s)))
      (else (call $byte (i32.const 61)) (call $hex (i32.load (i32.const 8)) (i32.load (i32.const 12)))))
    (call $flush))`;

const token = (number: number) => String.fromCharCode(number, 0, 0, 0);

const tokens: Scenario = {
  covers: ["foreign functions: expressions"],
  name: "expressions: tokens",
  plugins: [
    {
      guest: (w) => ({
        proxy_on_request_headers: `
          ${foreign(w, "expr_evaluate", token(0))} ${foreign(w, "expr_delete", token(0))}
          ${foreign(w, "expr_create", "1")} ${foreign(w, "expr_create", "(")} ${foreign(w, "expr_create", "2")}
          ${foreign(w, "expr_evaluate", token(0))} ${foreign(w, "expr_evaluate", token(1))} ${foreign(w, "expr_evaluate", token(2))}
          ${foreign(w, "expr_evaluate", "")} ${foreign(w, "expr_evaluate", "abc")} ${foreign(w, "expr_evaluate", "\0\0\0\0\0")}
          ${foreign(w, "expr_delete", "")} ${foreign(w, "expr_delete", "abc")} ${foreign(w, "expr_delete", token(1))}
          ${foreign(w, "expr_delete", token(1))} ${foreign(w, "expr_evaluate", token(1))}
          ${foreign(w, "expr_create", "3")} ${foreign(w, "expr_evaluate", token(2))} (i32.const 0)`,
      }),
      wat: callForeign,
    },
  ],
  requests: [{}, {}],
};

/** Protobuf of `DeclarePropertyArguments`: a name and a type. */
function declaration(name: string, type: number): string {
  return `\x0a${String.fromCharCode(name.length)}${name}\x18${String.fromCharCode(type)}`;
}

const stateExpressions = ["plain", "plain == 'text'", "plain == b'text'", "plain + 'x'", "size(plain)"].flatMap(
  (text) => [
    text,
    text.replace("plain", "words"),
    text.replace("plain", "filter_state['wasm.plain']"),
    text.replace("plain", "filter_state['envoy.string']"),
  ],
);

const filterStates: Scenario = {
  covers: ["foreign functions: expressions"],
  name: "expressions: what filters keep on the stream",
  plugins: [
    {
      guest: (w) => ({
        proxy_on_configure: `${foreign(w, "declare_property", declaration("words", 1))} (i32.const 1)`,
        proxy_on_request_headers: `
          (drop ${w.call("proxy_set_property", ["plain"], ["text"])}) (drop ${w.call("proxy_set_property", ["words"], ["text"])})
          ${foreign(w, "set_envoy_filter_state", "\x0a\x0cenvoy.string\x12\x04text")}
          ${evaluating(stateExpressions)(w)} (i32.const 0)`,
      }),
      wat: `${evaluate} ${callForeign}`,
    },
  ],
};

const effective: Scenario = {
  covers: ["foreign functions: expressions"],
  name: "expressions: the context that is in effect",
  plugins: [
    {
      guest: (w) => ({
        proxy_on_request_headers: `(global.set $held (local.get $context_id))
          (drop ${w.call("proxy_http_call", ["up"], [encodePairs([":method", "GET", ":path", "/", ":authority", "a"])], [""], [""], 1000, 0)})
          (i32.const 1)`,
        proxy_on_http_call_response: `
          ${evaluating(["request.method", "plugin_name"])(w)} ${w.logProperty("request.method")}
          (drop (call $proxy_set_effective_context (global.get $held)))
          ${evaluating(["request.method", "plugin_name"])(w)} ${w.logProperty("request.method")}
          (drop ${w.call("proxy_continue_stream", 0)})`,
      }),
      wat: `${evaluate} (global $held (mut i32) (i32.const 0))`,
    },
  ],
};

const ofConnections: Scenario = {
  covers: ["foreign functions: expressions"],
  name: "expressions: attributes of a TCP connection",
  plugins: [],
  tcp: {
    plugins: [
      {
        guest: (w) =>
          Object.fromEntries(
            ["new_connection", "downstream_data", "upstream_data"].map((name) => [
              `proxy_on_${name}`,
              `${evaluating(texts.attributes.filter((text) => !text.startsWith("upstream") && !text.includes("request.")))(w)} (i32.const 0)`,
            ]),
          ),
        wat: evaluate,
      },
    ],
    connections: [[{ write: "hello" }, { waitForBytes: 5 }]],
  },
};

export const expressions: readonly Scenario[] = [
  scenario("literals", texts.literals),
  scenario("composed values", texts.composed),
  scenario("what is none", texts.wrong),
  scenario("arithmetic", texts.arithmetic),
  scenario("comparison", texts.comparison),
  scenario("logic", texts.logic),
  scenario("functions", texts.functions),
  scenario("macros and selection", texts.macros),
  inCallbacks,
  tokens,
  filterStates,
  effective,
  ofConnections,
];
