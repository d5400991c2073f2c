import type { Exchange, LogLine, ServedConnection } from "@attache/harness";

/** What `attache serve` tells while it runs. */
export interface Output {
  /** About itself: where it listens, what it reloaded. */
  say(text: string, data?: object): void;
  /** What is wrong with a change; the old state goes on. */
  problem(text: string): void;
  log(line: LogLine): void;
  exchange(exchange: Exchange): void;
  connection(connection: ServedConnection): void;
}

/** For people. */
export function textOutput(write: (text: string) => void): Output {
  return {
    say: (text) => write(`${text}\n`),
    problem: (text) => write(`attache: ${text}\n`),
    log: ({ level, message, source }) =>
      write(`  ${level.padEnd(8)} ${source === "proxy" ? "(proxy) " : ""}${message}\n`),
    exchange: ({ method, path, status, milliseconds }) =>
      write(`${status ?? "reset"} ${method} ${path}  ${milliseconds.toFixed(1)} ms\n`),
    connection: ({ received, sent, milliseconds }) =>
      write(`connection: ${received} bytes received, ${sent} bytes sent  ${milliseconds.toFixed(1)} ms\n`),
  };
}

/** For programs: one object a line. */
export function jsonOutput(write: (text: string) => void): Output {
  const line = (event: string, data: object) => write(`${JSON.stringify({ event, ...data })}\n`);
  return {
    say: (text, data = {}) => line("status", { text, ...data }),
    problem: (text) => line("problem", { text }),
    log: (entry) => line("log", entry),
    exchange: (entry) => line("exchange", entry),
    connection: (entry) => line("connection", entry),
  };
}
