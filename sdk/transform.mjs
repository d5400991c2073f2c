/**
 * The compiler transform every filter is built with (`asconfig.json`). It
 *
 * - exports only the callbacks the filter overrides: the proxy calls what is exported, needed or not;
 * - refuses a callback that would never run: a misspelt name, or a method without `override`;
 * - tells the SDK how many bytes are allocated, which the compiler's collector keeps to itself;
 * - leaves out the allocator's checks of itself. Those of filters (`assert`, `!`, array bounds) stay.
 */
import { CommonFlags, DiagnosticCode, ElementKind, Node } from "assemblyscript";
import { Transform } from "assemblyscript/transform";

const SDK = "~lib/@attache/sdk/";

/** Exports that are only useful when a context class overrides the method. The others always stay. */
const callbackMethods = {
  proxy_on_configure: ["configure"],
  proxy_on_tick: ["onTimer"],
  proxy_on_request_headers: ["onRequestHeaders"],
  proxy_on_response_headers: ["onResponseHeaders"],
  proxy_on_log: ["onLog"],
  proxy_on_done: ["onDone"],
};

/** Classes of the SDK whose methods are callbacks. */
const contextClasses = new Set(
  ["context/plugin/Plugin", "context/http-filter/HttpFilter", "time/timer/Timer"].map((name) => SDK + name),
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

  afterInitialize(program) {
    const overridden = new Set();
    for (const prototype of classPrototypes(program)) {
      const base = contextBase(prototype);
      if (base === null || base === prototype) continue;
      checkMethods(program, prototype, base);
      for (const name of prototype.instanceMembers?.keys() ?? []) overridden.add(name);
    }
    const proxy = program.filesByName.get(`${SDK}proxy`);
    if (proxy === undefined) return;
    for (const [name, methods] of Object.entries(callbackMethods)) {
      if (!methods.some((method) => overridden.has(method))) proxy.exports.delete(name);
    }
  }
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

/** The SDK's context class that `prototype` is or extends, or `null`. */
function contextBase(prototype) {
  for (let current = prototype; current; current = current.basePrototype) {
    if (contextClasses.has(current.internalName)) return current;
  }
  return null;
}

function checkMethods(program, prototype, base) {
  for (const [name, member] of prototype.instanceMembers ?? []) {
    if (member.kind !== ElementKind.FunctionPrototype) continue;
    const range = member.identifierNode.range;
    const className = prototype.name;
    if (isMethod(base, name)) {
      if (member.is(CommonFlags.Override)) continue;
      report(program, range, `${className}.${name} is a callback: write 'override ${name}'`);
    } else {
      const meant = closestCallback(base, name);
      if (meant === null) continue;
      report(program, range, `${className}.${name} would never be called: is '${meant}' meant? If not, rename it`);
    }
  }
}

function report(program, range, message) {
  program.error(DiagnosticCode.User_defined_0, range, message);
}

function isMethod(base, name) {
  return base.instanceMembers?.get(name)?.kind === ElementKind.FunctionPrototype;
}

/** The callback of `base` that `name` looks like, apart from case, underscores, "http" and two typing errors. */
function closestCallback(base, name) {
  const written = simplify(name);
  for (const callback of base.instanceMembers?.keys() ?? []) {
    if (callback !== "constructor" && isMethod(base, callback) && differsByAtMost(2, simplify(callback), written)) {
      return callback;
    }
  }
  return null;
}

function simplify(name) {
  return name.toLowerCase().replaceAll("_", "").replace("http", "");
}

/** Whether at most `limit` insertions, deletions and replacements turn `a` into `b`. Short names must be closer. */
function differsByAtMost(limit, a, b) {
  const allowed = Math.min(limit, Math.floor(Math.min(a.length, b.length) / 3));
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    previous = row;
  }
  return previous[b.length] <= allowed;
}
