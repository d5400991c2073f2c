/**
 * Part of the compiler transform: stores the texts that are seldom needed in half the room: while a plugin is configured, when
 * it traps, and those of functions marked `@cold`.
 *
 * A string literal has two bytes for each character and some thirty more. Names of fields and texts of errors, of which a
 * configured filter has hundreds, become calls (`memory/cold-text.ts`) that make the string from one byte for each
 * character. Literals that requests may need stay: they are at hand, and encoded for the proxy only once.
 */
import { NodeKind } from "assemblyscript";

/** Methods and classes that report a mistake. Their texts are made anew each time. */
const reporting = new Set(["error", "warn", "fail", "expected"]);

/** The decorator of functions that are seldom called. */
const COLD = "cold";

/** A function that is given one of these runs while a plugin is configured. */
const configuring = new Set(["ConfigReader"]);

/** Shorter texts are left: the calls would take as much. */
const SHORTEST = 4;

export function shrinkColdTexts(parser) {
  const found = new ColdTexts();
  for (const source of parser.sources) {
    if (!source.internalPath.startsWith("~lib/rt/")) found.searchAll(source.statements, false);
  }
  found.replace(parser);
}

class ColdTexts {
  places = [];

  /** @param isCold whether the node seldom runs */
  search(node, isCold, holder, key) {
    if (node.kind === NodeKind.ArrayLiteral) return; // of literals only: it is static data itself
    if (node.kind === NodeKind.Literal) {
      if (isCold && isShrinkable(node)) this.places.push({ holder, key, text: node.value, isKept: true });
      return;
    }
    if (isReport(node)) return this.searchReport(node.args, isCold);
    this.searchAll(node, isCold || isMarked(node) || takesConfiguration(node));
  }

  searchAll(holder, isCold) {
    for (const [child, container, key] of children(holder)) this.search(child, isCold, container, key);
  }

  /** Literals among operands and alternatives of an argument, but not those of calls in it. */
  searchReport(holder, isCold) {
    for (const [child, container, key] of children(holder)) {
      if (isShrinkable(child)) this.places.push({ holder: container, key, text: child.value, isKept: false });
      else if (child.kind === NodeKind.Call) this.search(child, isCold, container, key);
      else this.searchReport(child, isCold);
    }
  }

  /** Each text that is kept has a function of its own, so that it is stored once, and only if it is used. */
  replace(parser) {
    const kept = [...new Set(this.places.filter(({ isKept }) => isKept).map(({ text }) => text))];
    const functions = kept.map(
      (text, index) =>
        `// @ts-ignore: decorator\n@global function __text${index}(): string { return __keptText(${data(text, [0, 0, 0, 0])}, ${text.length}); }`,
    );
    const calls = this.places.map(({ text, isKept }) =>
      isKept ? `__text${kept.indexOf(text)}();` : `__coldText(${data(text, [])}, ${text.length});`,
    );
    parser.parseFile(functions.join("\n"), "~lib/cold-texts.ts", false);
    parser.parseFile(calls.join("\n"), "~lib/cold-text-calls.ts", false);
    const source = parser.sources.find(({ internalPath }) => internalPath === "~lib/cold-text-calls");
    const statements = source.statements.splice(0);
    this.places.forEach(({ holder, key }, index) => (holder[key] = statements[index].expression));
  }
}

function data(text, before) {
  return `memory.data<u8>([${[...before, ...Buffer.from(text, "latin1")]}])`;
}

/** `log.error` is no report of a configuration: it can come often. */
function isReport(node) {
  if (node.kind === NodeKind.New) return node.typeName.identifier.text === "Error";
  if (node.kind !== NodeKind.Call || node.expression.kind !== NodeKind.PropertyAccess) return false;
  const { expression, property } = node.expression;
  return reporting.has(property.text) && expression.text !== "log";
}

function isMarked(node) {
  return node.decorators?.some(({ name }) => name.text === COLD) ?? false;
}

function takesConfiguration(node) {
  return node.signature?.parameters?.some(({ type }) => configuring.has(type?.name?.identifier?.text)) ?? false;
}

function isShrinkable(node) {
  const text = node.kind === NodeKind.Literal ? node.value : null;
  return typeof text === "string" && text.length >= SHORTEST && /^[\x20-\x7e]*$/.test(text);
}

/** The nodes right below a node, or in a list, each with what holds it. */
function* children(holder) {
  for (const [key, value] of Object.entries(holder)) {
    if (Array.isArray(value)) yield* children(value);
    else if (value !== null && typeof value === "object" && "kind" in value && "range" in value) {
      yield [value, holder, key];
    }
  }
}
