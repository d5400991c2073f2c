/**
 * The compiler transform every filter is built with (`asconfig.json`). It
 *
 * - exports only the callbacks the filter overrides: the proxy calls what is exported, needed or not;
 * - refuses a callback that would never run: a misspelt name, or a method without `override`;
 * - tells the SDK how many bytes are allocated, which the compiler's collector keeps to itself;
 * - leaves out the allocator's checks of itself. Those of filters (`assert`, `!`, array bounds) stay;
 * - leaves out of static objects what only the allocator reads of those on the heap;
 * - makes functions with one caller part of it;
 * - has the collector find references by a table (`visited-members.mjs`);
 * - stores string literals packed (`packed-texts.mjs`).
 */
import { CommonFlags, DiagnosticCode, ElementKind, Node } from "assemblyscript";
import { Transform } from "assemblyscript/transform";
import { packTexts } from "./packed-texts.mjs";
import { visitByTable } from "./visited-members.mjs";

const SDK = "~lib/@attache/sdk/";
const RETRY_POLICY = "RetryPolicy";

/** Exports that are only useful when a context class overrides the method, or that of one class. The others always stay. */
const callbackMethods = {
  proxy_on_configure: ["configure"],
  proxy_on_queue_ready: ["onItem"],
  proxy_on_foreign_function: ["onForeignFunction"],
  // A callout is sent again by a timer.
  proxy_on_tick: ["onTimer", RETRY_POLICY],
  proxy_on_http_call_response: ["HttpCallout.onOutcome"],
  proxy_on_grpc_receive_initial_metadata: ["onInitialMetadata"],
  proxy_on_grpc_receive: ["GrpcCall.onOutcome", "onMessage"],
  proxy_on_grpc_receive_trailing_metadata: ["onTrailingMetadata"],
  proxy_on_grpc_close: ["GrpcCall.onOutcome", "GrpcStream.onOutcome"],
  proxy_on_new_connection: ["onNewConnection"],
  proxy_on_downstream_data: ["onDownstreamData"],
  proxy_on_upstream_data: ["onUpstreamData"],
  proxy_on_downstream_connection_close: ["onDownstreamClose"],
  proxy_on_upstream_connection_close: ["onUpstreamClose"],
  proxy_on_request_headers: ["onRequestHeaders"],
  proxy_on_request_body: ["onRequestBody", "onWholeRequestBody"],
  proxy_on_request_trailers: ["onRequestTrailers", "onWholeRequestBody"],
  proxy_on_response_headers: ["onResponseHeaders"],
  proxy_on_response_body: ["onResponseBody", "onWholeResponseBody"],
  proxy_on_response_trailers: ["onResponseTrailers", "onWholeResponseBody"],
  proxy_on_log: ["onLog"],
  proxy_on_done: ["onDone"],
};

/** Classes of the SDK whose methods are callbacks. */
const contextClasses = new Set(
  [
    "context/plugin/Plugin",
    "context/http-filter/HttpFilter",
    "context/tcp-filter/TcpFilter",
    "shared/shared-queue/QueueReader",
    "time/timer/Timer",
    "callout/http-callout/HttpCallout",
    "callout/callout-join/CalloutJoin",
    "grpc/grpc-call/GrpcCall",
    "grpc/grpc-stream/GrpcStream",
  ].map((name) => SDK + name),
);

export default class FilterTransform extends Transform {
  afterParse(parser) {
    const source = (path) => parser.sources.find((candidate) => candidate.internalPath === path);
    const collector = source("~lib/rt/tcms");
    if (collector === undefined) throw new Error("filters are compiled with `--runtime minimal`");
    const debug = source("~lib/rt/common")
      .statements.flatMap((statement) => statement.declarations ?? [])
      .find((declaration) => declaration.name.text === "DEBUG");
    debug.initializer = Node.createFalseExpression(debug.range);
    parser.parseFile(
      "// @ts-ignore: decorator\n@global @unsafe\nexport function __allocatedBytes(): usize { return total; }",
      "~lib/rt/allocated.ts",
      false,
    );
    collector.statements.push(...source("~lib/rt/allocated").statements.splice(0));
  }

  afterCompile(module) {
    visitByTable(this.program, module, this.binaryen);
    packTexts(module, this.binaryen);
  }

  afterInitialize(program) {
    shrinkStaticObjects(program);
    inlineSingleCalls(program.module);
    const overridden = new Set();
    for (const prototype of classPrototypes(program)) {
      const base = contextBase(prototype);
      // What the SDK overrides itself is no filter's doing.
      if (base === null || prototype.internalName.startsWith(SDK)) continue;
      checkMethods(program, prototype, base);
      checkWholeBodies(program, prototype);
      for (const name of prototype.instanceMembers?.keys() ?? []) overridden.add(name).add(`${base.name}.${name}`);
    }
    if (mentions(program, RETRY_POLICY)) overridden.add(RETRY_POLICY);
    const proxy = program.filesByName.get(`${SDK}proxy`);
    if (proxy === undefined) return;
    for (const [name, methods] of Object.entries(callbackMethods)) {
      if (!methods.some((method) => overridden.has(method))) proxy.exports.delete(name);
    }
  }
}

/** Zeros need no room in a module: an object that is never freed does without the size of its block. */
function shrinkStaticObjects(program) {
  const classes = Object.getPrototypeOf(program.stringInstance);
  if (Object.hasOwn(classes, "createWholeBuffer")) return;
  classes.createWholeBuffer = classes.createBuffer;
  classes.createBuffer = function (overhead) {
    const buffer = this.createWholeBuffer(overhead);
    this.program.OBJECTInstance.writeField("mmInfo", 0, buffer, 0);
    return buffer;
  };
}

/** A function that is called at one place becomes part of it, however large it is: the compiler's own bound is 80 instructions. */
function inlineSingleCalls(module) {
  const { setOneCallerInlineMaxSize } = module;
  module.setOneCallerInlineMaxSize = () => setOneCallerInlineMaxSize.call(module, -1);
}

function* classPrototypes(program) {
  for (const file of program.filesByName.values()) yield* classesIn(file);
}

function* classesIn(container) {
  for (const element of container.members?.values() ?? []) {
    if (element.kind === ElementKind.ClassPrototype) yield element;
    else if (element.kind === ElementKind.Namespace) yield* classesIn(element);
  }
}

/** Whether the filter's own sources have this word. */
function mentions(program, word) {
  const own = program.sources.filter(({ internalPath }) => !internalPath.startsWith(SDK));
  return own.some(({ text }) => text.includes(word));
}

/** The SDK's context class that `prototype` is or extends, or `null`. */
function contextBase(prototype) {
  for (let current = prototype; current; current = current.basePrototype) {
    if (contextClasses.has(current.internalName)) return current;
  }
  return null;
}

function checkMethods(program, prototype, base) {
  const ownNames = [...(prototype.instanceMembers ?? []), ...(prototype.members ?? [])];
  for (const [name, member] of ownNames) {
    if (member.kind !== ElementKind.FunctionPrototype) continue;
    const range = member.identifierNode.range;
    const method = `${prototype.name}.${name}`;
    if (isMethod(base, name) && member.is(CommonFlags.Instance)) {
      if (!member.is(CommonFlags.Override)) report(program, range, `${method} is a callback: write 'override ${name}'`);
      continue;
    }
    const meant = closestCallback(base, name);
    if (meant !== null) {
      report(program, range, `${method} would never be called: is 'override ${meant}' meant? If not, rename it`);
    } else if (/^(on[A-Z]|on_|proxy_on_)/.test(name)) {
      const callbacks = callbacksOf(base).join(", ");
      report(program, range, `${method} would never be called: the callbacks are ${callbacks}. Rename it`);
    }
  }
}

/** A body is collected because `onRequestHeaders` or `onResponseHeaders` of the same class asks for it. */
function checkWholeBodies(program, prototype) {
  for (const side of ["Request", "Response"]) {
    const member = prototype.instanceMembers?.get(`onWhole${side}Body`);
    if (!member || overrides(prototype, `on${side}Headers`)) continue;
    const message = `${prototype.name}.${member.name} would never be called: ask for the body by 'headers.collectBody' in on${side}Headers`;
    report(program, member.identifierNode.range, message);
  }
}

/** Whether `prototype` or a class between it and the SDK's has the method `name`. */
function overrides(prototype, name) {
  for (let current = prototype; current && !contextClasses.has(current.internalName); current = current.basePrototype) {
    if (current.instanceMembers?.has(name)) return true;
  }
  return false;
}

function report(program, range, message) {
  program.error(DiagnosticCode.User_defined_0, range, message);
}

function isMethod(base, name) {
  const member = base.instanceMembers?.get(name);
  if (member === undefined) return base.basePrototype ? isMethod(base.basePrototype, name) : false;
  return member.kind === ElementKind.FunctionPrototype;
}

function callbacksOf(base) {
  const own = [...(base.instanceMembers?.keys() ?? [])].filter((name) => /^(on[A-Z]|configure$|create)/.test(name));
  return base.basePrototype ? [...own, ...callbacksOf(base.basePrototype)] : own;
}

/** The callback of `base` that `name` looks like, apart from case, underscores, "proxy", "http" and one slip. */
function closestCallback(base, name) {
  const written = simplify(name);
  const looksLike = (callback) => differsByAtMostOne(callback, written) || `on${callback}` === written;
  return callbacksOf(base).find((callback) => looksLike(simplify(callback))) ?? null;
}

function simplify(name) {
  return name
    .replaceAll("_", "")
    .replace(/^proxy/, "")
    .toLowerCase()
    .replace("http", "");
}

/** Whether one insertion, deletion, replacement or none turns `a` into `b`; short names must be the same. */
function differsByAtMostOne(a, b) {
  if (a === b) return true;
  if (Math.min(a.length, b.length) < 8 || Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  return restA.slice(1) === restB.slice(1) || restA.slice(1) === restB || restA === restB.slice(1);
}
