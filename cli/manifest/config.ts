import { parse } from "yaml";
import { Problem } from "../problem.ts";
import { readText } from "../raw-config.ts";
import { inexactNumbers, plainNumbers } from "./traps.ts";

export type Config = Record<string, unknown>;

/** The configuration of a filter in a file of YAML or JSON, with numbers as they reach the filter. */
export async function readConfig(file: string): Promise<Config> {
  const text = await readText(file);
  let value: unknown;
  try {
    value = parse(text, { intAsBigInt: true });
  } catch (error) {
    throw new Problem(`${file}: ${(error as Error).message.split("\n", 1)[0]}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Problem(`${file}: a configuration is an object`);
  }
  const problems = inexactNumbers(value, "");
  if (problems.length > 0) throw new Problem(problems.map((problem) => `${file}: ${problem}`).join("\n"));
  return plainNumbers(value) as Config;
}
