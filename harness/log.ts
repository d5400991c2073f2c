/** Levels of the proxy's log, in order of their ABI numbers. */
export const logLevels = ["trace", "debug", "info", "warn", "error", "critical"] as const;

export type LogLevel = (typeof logLevels)[number];
