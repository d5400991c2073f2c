import { Problem } from "./problem.ts";

/** Environment variables of a VM. */
export type Environment = Readonly<Record<string, string>>;

/** Variables from a command line, each `NAME=VALUE`; the last one of a name counts. */
export function readVariables(variables: readonly string[] = []): Environment {
  return Object.fromEntries(
    variables.map((variable) => {
      const [name, value] = splitVariable(variable);
      if (value === undefined) throw new Problem(`--env ${variable}: expected NAME=VALUE`);
      return [name, value];
    }),
  );
}

/** The parts of `NAME=VALUE`, or `NAME` alone. */
export function splitVariable(variable: string): [name: string, value?: string] {
  const [, name, value] = /^([^=]+)(?:=([^]*))?$/.exec(variable) ?? [];
  if (name === undefined) throw new Problem(`--env ${variable}: expected NAME=VALUE`);
  return value === undefined ? [name] : [name, value];
}

/** Variables that the proxy takes over from its own environment: here, from this one. */
export function ownVariables(names: readonly string[]): Environment {
  return Object.fromEntries(names.map((name) => [name, process.env[name] ?? ""]));
}
