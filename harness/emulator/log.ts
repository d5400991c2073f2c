import { HarnessError } from "../errors.ts";
import type { LogLine } from "../host.ts";
import { RecentList, type Retention } from "./recent-list.ts";
import { logLevels, type LogLevel } from "../log.ts";

/** What filters logged, and the proxy about them. */
export class ProxyLog {
  readonly #lines: RecentList<LogLine>;
  /** Number of the lowest level that is kept. */
  level: number;
  readonly #waiting = new Set<(line: LogLine) => void>();
  readonly #onLine: ((line: LogLine, prefix: string) => void) | null;

  constructor(level: LogLevel, retention: Retention, onLine: ((line: LogLine, prefix: string) => void) | null) {
    this.#lines = new RecentList(retention);
    this.level = logLevels.indexOf(level);
    this.#onLine = onLine;
  }

  get lines(): readonly LogLine[] {
    return this.#lines.items;
  }

  /** `prefix` names the plugin, as Envoy writes it between `wasm log` and the message. */
  guest(level: number, prefix: string, message: string): void {
    if (level < this.level) return;
    const text = Buffer.from(message, "latin1").toString("utf8");
    this.#add({ level: logLevels[level]!, message: text, source: "guest" }, prefix);
  }

  proxy(level: LogLevel, message: string): void {
    if (logLevels.indexOf(level) < this.level) return;
    this.#add({ level, message, source: "proxy" }, "");
  }

  async waitFor(pattern: string | RegExp, timeoutMs: number): Promise<LogLine> {
    const matches = (line: LogLine) =>
      typeof pattern === "string" ? line.message.includes(pattern) : line.message.search(pattern) >= 0;
    const known = this.lines.find(matches);
    if (known !== undefined) return known;
    return await new Promise((resolve, reject) => {
      const look = (line: LogLine): void => {
        if (!matches(line)) return;
        this.#waiting.delete(look);
        clearTimeout(timeout);
        resolve(line);
      };
      const timeout = setTimeout(() => {
        this.#waiting.delete(look);
        const last = this.lines.slice(-5).map((line) => `\n  ${line.message}`);
        const seen = last.length === 0 ? "nothing was logged" : `the last lines were:${last.join("")}`;
        reject(new HarnessError("TIMEOUT", `no log line matched ${String(pattern)} within ${timeoutMs} ms; ${seen}`));
      }, timeoutMs);
      this.#waiting.add(look);
    });
  }

  #add(line: LogLine, prefix: string): void {
    this.#lines.add(line);
    this.#onLine?.(line, prefix);
    for (const look of this.#waiting) look(line);
  }
}
