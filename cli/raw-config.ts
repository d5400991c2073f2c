import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { Problem } from "./problem.ts";

/** A filter's configuration from a file: YAML as what it says, anything else as its text. */
export async function readRawConfig(file: string): Promise<unknown> {
  const text = await readText(file);
  if (!/\.ya?ml$/.test(file)) return text;
  try {
    return parse(text);
  } catch (error) {
    throw new Problem(`${file}: ${(error as Error).message.split("\n", 1)[0]}`);
  }
}

export async function readText(file: string): Promise<string> {
  return await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new Problem(`${file}: cannot be read: ${error.code}`);
  });
}
