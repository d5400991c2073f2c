import { Problem } from "./problem.ts";

/** Environment variables of a VM. */
export type Environment = Readonly<Record<string, string>>;

/** Variables from a command line, each `NAME=VALUE`; the last one of a name counts. */
export function readVariables(variables: readonly string[] = []): Environment {
  return Object.fromEntries(
    variables.map((variable) => {
      const equals = variable.indexOf("=");
      if (equals < 1) throw new Problem(`--env ${variable}: expected NAME=VALUE`);
      return [variable.slice(0, equals), variable.slice(equals + 1)];
    }),
  );
}

/** Variables that the proxy takes over from its own environment: here, from this one. */
export function ownVariables(names: readonly string[]): Environment {
  return Object.fromEntries(names.map((name) => [name, process.env[name] ?? ""]));
}
