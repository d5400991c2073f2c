import { proxy_get_log_level, proxy_log } from "../abi/imports";
import { callbackNumber } from "../context/callback";
import { encodeText, textSize } from "../memory/utf8";

/** Severity of a log line. */
export enum LogLevel {
  Trace = 0,
  Debug = 1,
  Info = 2,
  Warn = 3,
  Error = 4,
  Critical = 5,
}

let level: i32 = LogLevel.Info;
/** Number of the callback in which `level` was read; at the top level of a module (0) the proxy must not be asked. */
let levelReadIn: u32 = 0;

/** The proxy's log. Lines below its level cost one host call per callback and are not passed on. */
export namespace log {
  /**
   * Whether a line of this level would be written. Ask before building a costly message:
   * `if (log.enabled(LogLevel.Debug)) log.debug(...)`.
   *
   * Allowed in: every callback. At the top level of a module the answer is that of a proxy logging from `info` on.
   * Cost: one host call for the first question in a callback.
   */
  export function enabled(wanted: LogLevel): bool {
    if (levelReadIn != callbackNumber) {
      const out = memory.data(4, 4);
      if (proxy_get_log_level(out) == 0) level = load<i32>(out);
      levelReadIn = callbackNumber;
    }
    return <i32>wanted >= level;
  }

  export function trace(message: string): void {
    write(LogLevel.Trace, message);
  }

  export function debug(message: string): void {
    write(LogLevel.Debug, message);
  }

  export function info(message: string): void {
    write(LogLevel.Info, message);
  }

  export function warn(message: string): void {
    write(LogLevel.Warn, message);
  }

  export function error(message: string): void {
    write(LogLevel.Error, message);
  }

  export function critical(message: string): void {
    write(LogLevel.Critical, message);
  }
}

function write(lineLevel: LogLevel, message: string): void {
  if (!log.enabled(lineLevel)) return;
  const encoded = encodeText(message);
  proxy_log(lineLevel, encoded, textSize(encoded));
}
