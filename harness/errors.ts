import type { LogLine } from "./host.ts";

/** Stable names of everything that can go wrong in a host. */
export type HarnessErrorCode =
  | "MODULE_NOT_FOUND"
  | "MODULE_INVALID"
  | "PLUGIN_REJECTED"
  | "OPTION_INVALID"
  | "PORT_IN_USE"
  | "ENVOY_MISSING"
  | "ENVOY_FAILED"
  | "CALLBACK_ENDLESS"
  | "STREAM_RESET"
  | "INTERCEPTORS_UNMET"
  | "DIAGNOSTICS"
  | "TIMEOUT";

/** An error with a stable {@link code} and a message that says what happened, where, and what to do. */
export class HarnessError extends Error {
  readonly code: HarnessErrorCode;

  constructor(code: HarnessErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HarnessError";
    this.code = code;
  }
}

/** A plugin refused its configuration, or its module could not be loaded; {@link logs} says why. */
export class PluginRejectedError extends HarnessError {
  readonly plugin: string;
  readonly logs: readonly LogLine[];

  constructor(plugin: string, logs: readonly LogLine[]) {
    const reasons = [...new Set(logs.map((line) => `\n  ${line.message}`))].join("");
    super("PLUGIN_REJECTED", `plugin "${plugin}" was rejected:${reasons}`);
    this.plugin = plugin;
    this.logs = logs;
  }
}
