import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describeExplanation } from "../explain/describe.ts";
import { explain, type Explanation } from "../explain/explain.ts";
import { readPolicyFile } from "../explain/policy-file.ts";
import { readRequestFile, type Request } from "../explain/request-file.ts";
import { fetchingIssuers, withKeys, withToken } from "../explain/token.ts";
import { readVariables } from "../environment.ts";
import { Problem } from "../problem.ts";
import { readText } from "../raw-config.ts";

export interface ExplainOptions {
  /** `ISSUER=FILE`: a file with the keys of an issuer. */
  keys?: readonly string[];
  /** Environment variables of the filter, each `NAME=VALUE`. */
  env?: readonly string[];
  /** auth-policy's module, instead of that of the package `@attache/auth-policy`. */
  filter?: string;
  /** What has to come out. */
  expect?: Explanation["decision"];
}

export interface ExplainReport {
  explanation: Explanation;
  request: Request;
}

/** Says what auth-policy does with a request, and why; a {@link Problem} if that is not what was expected. */
export async function explainRequest(
  policyFile: string,
  requestFile: string,
  options: ExplainOptions = {},
): Promise<ExplainReport> {
  const { configuration: given, notes } = await readPolicyFile(policyFile);
  const asked = await readRequestFile(requestFile);
  const known = withKeys(given, await readKeys(options.keys ?? []));
  const { configuration, request } = withToken(known, asked);
  const explanation = await explain(
    await readModule(options.filter),
    configuration,
    request,
    readVariables(options.env),
  );
  if (explanation.by === "Jwks remote fetch is failed") {
    for (const issuer of fetchingIssuers(configuration)) {
      notes.push(`the keys of ${issuer} are not fetched here: give them by --keys ${issuer}=FILE`);
    }
  }
  return { explanation: { ...explanation, notes: [...notes, ...explanation.notes] }, request };
}

export function describeReport({ explanation, request }: ExplainReport): string {
  return describeExplanation(explanation, request);
}

async function readKeys(options: readonly string[]): Promise<Map<string, string>> {
  const keys = new Map<string, string>();
  for (const option of options) {
    // An issuer can have a sign of equality in its query; a file's name seldom does.
    const at = option.lastIndexOf("=");
    if (at <= 0) throw new Problem(`--keys ${option}: write ISSUER=FILE`);
    keys.set(option.slice(0, at), await readText(option.slice(at + 1)));
  }
  return keys;
}

/** Where the package is installed: beside the caller's files, or with this command. */
async function readModule(filter: string | undefined): Promise<Uint8Array> {
  const module = filter ?? findModule();
  return await readFile(module).catch((error: NodeJS.ErrnoException) => {
    throw new Problem(`${module}: cannot be read: ${error.code}`);
  });
}

function findModule(): string {
  for (const from of [join(process.cwd(), "package.json"), import.meta.url]) {
    try {
      const folder = dirname(createRequire(from).resolve("@attache/auth-policy/package.json"));
      const module = ["plugin.wasm", "build/plugin.wasm"].map((name) => join(folder, name)).find(existsSync);
      if (module !== undefined) return module;
    } catch {
      // Not installed there.
    }
  }
  throw new Problem(
    "there is no @attache/auth-policy: run `npm install @attache/auth-policy`, or name its module by --filter",
  );
}
