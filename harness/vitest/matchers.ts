import type { Diagnostic } from "../emulator/diagnostics.ts";
import type { Host, LogLine, Response } from "../host.ts";
import type { Trap } from "../wasm/trap.ts";
import type { LogLevel } from "../log.ts";

/** What a matcher answers, as vitest wants it. */
interface Verdict {
  pass: boolean;
  message: () => string;
  expected?: unknown;
  actual?: unknown;
}

interface MatcherState {
  isNot: boolean;
  equals: (a: unknown, b: unknown) => boolean;
}

/** The matchers that `@attache/harness/vitest` adds to `expect`. */
export interface HostMatchers<R = unknown> {
  /** Of a response. */
  toHaveStatus(status: number): R;
  /** Of a response: the first value is this text, or matches; without a value: there is such a header. */
  toHaveHeader(name: string, value?: string | RegExp): R;
  /** Of a response: the body as UTF-8 is this text, or matches. */
  toHaveBody(body: string | RegExp): R;
  /**
   * Of a host, with `await`: a line contains the text or matches, now or within 5 seconds. With `not`: none does now.
   */
  toHaveLogged(pattern: string | RegExp, options?: { level?: LogLevel }): Promise<void>;
  /** Of a host, with `await`: a counter or gauge has this value, now or within 5 seconds. With `not`: it has another now. */
  toHaveMetric(name: string, value: number): Promise<void>;
  /** Of an emulator: no guest trapped. */
  toHaveNoTraps(): R;
  /** Of an emulator: its guests did nothing that is most likely a mistake. */
  toHaveNoDiagnostics(): R;
}

declare module "vitest" {
  // The names and defaults are vitest's own, as they must be.
  // eslint-disable-next-line @typescript-eslint/no-unused-vars, @typescript-eslint/no-empty-object-type
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> extends HostMatchers<R> {}
}

const patienceMs = 5_000;

export const matchers = {
  toHaveStatus(this: MatcherState, response: Response, status: number): Verdict {
    return {
      pass: response.status === status,
      message: () => `expected status ${not(this)}${status}, got ${summaryOf(response)}`,
      expected: status,
      actual: response.status,
    };
  },

  toHaveHeader(this: MatcherState, response: Response, name: string, value?: string | RegExp): Verdict {
    const found = response.header(name);
    const wanted = value === undefined ? name : `${name}: ${String(value)}`;
    return {
      pass:
        found !== null && (value === undefined || (typeof value === "string" ? found === value : value.test(found))),
      message: () => `expected ${not(this)}a header ${wanted}, got ${summaryOf(response)}${headersOf(response)}`,
      expected: value,
      actual: found,
    };
  },

  toHaveBody(this: MatcherState, response: Response, body: string | RegExp): Verdict {
    const found = response.text();
    const pass = typeof body === "string" ? found === body : body.test(found);
    const message = () => `expected ${not(this)}the body ${shown(body)}, got ${summaryOf(response)}`;
    return { pass, message, expected: body, actual: found };
  },

  async toHaveLogged(
    this: MatcherState,
    host: Host,
    pattern: string | RegExp,
    { level }: { level?: LogLevel } = {},
  ): Promise<Verdict> {
    const isIt = (line: LogLine) => fits(line.message, pattern) && (level === undefined || line.level === level);
    const pass = await holds(this, () => Promise.resolve(host.logs.some(isIt)));
    const wanted = `${level === undefined ? "a line" : `a line of level ${level}`} with ${shown(pattern)}`;
    return { pass, message: () => `expected ${not(this)}${wanted}, got ${linesOf(host.logs)}` };
  },

  async toHaveMetric(this: MatcherState, host: Host, name: string, value: number): Promise<Verdict> {
    let found: number | null = null;
    const pass = await holds(this, async () => (found = await host.metric(name)) === value);
    const got = () => (found === null ? "there is no such metric" : `got ${found}`);
    return {
      pass,
      message: () => `expected metric ${name} to be ${not(this)}${value}, ${got()}`,
      expected: value,
      actual: found,
    };
  },

  toHaveNoTraps(this: MatcherState, host: { traps: readonly Trap[] }): Verdict {
    const { traps } = host;
    return {
      pass: traps.length === 0,
      message: () =>
        this.isNot ? "expected traps, got none" : `expected no traps, got\n${traps.map(trapText).join("\n")}`,
    };
  },

  toHaveNoDiagnostics(this: MatcherState, host: { diagnostics: readonly Diagnostic[] }): Verdict {
    const { diagnostics } = host;
    return {
      pass: diagnostics.length === 0,
      message: () =>
        this.isNot
          ? "expected diagnostics, got none"
          : `expected no diagnostics, got\n${diagnostics.map(({ code, plugin, message }) => `  ${code} ${plugin}: ${message}`).join("\n")}`,
    };
  },
};

function trapText({ plugin, callback, message, frames }: Trap): string {
  const lines = frames.map(({ function: name, offset, position }) => {
    const place =
      position === null ? `0x${offset.toString(16)}` : `${position.source}:${position.line}:${position.column}`;
    return `\n    at ${name} (${place})`;
  });
  return `  ${plugin}, ${callback}: ${message}${lines.join("")}`;
}

/** Whether something holds, now or soon; what shall not hold is looked at once. */
async function holds({ isNot }: MatcherState, condition: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + (isNot ? 0 : patienceMs);
  for (;;) {
    if (await condition()) return true;
    if (performance.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function not({ isNot }: MatcherState): string {
  return isNot ? "not " : "";
}

function fits(text: string, pattern: string | RegExp): boolean {
  return typeof pattern === "string" ? text.includes(pattern) : pattern.test(text);
}

function shown(pattern: string | RegExp): string {
  return typeof pattern === "string" ? JSON.stringify(pattern) : String(pattern);
}

function summaryOf(response: Response): string {
  const body = response.text();
  return `${response.status} ${JSON.stringify(body.length > 200 ? `${body.slice(0, 200)}…` : body)}`;
}

function headersOf({ headers }: Response): string {
  return headers.map(([name, value]) => `\n  ${name}: ${value}`).join("");
}

function linesOf(logs: readonly LogLine[]): string {
  if (logs.length === 0) return "no line at all";
  const latest = logs.slice(-20).map(({ level, message }) => `\n  ${level} ${message}`);
  return `${logs.length} lines${logs.length > 20 ? ", the latest" : ""}:${latest.join("")}`;
}
