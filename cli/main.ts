#!/usr/bin/env node
import { relative } from "node:path";
import { parseArgs } from "node:util";
import { build, BuildError } from "./build.ts";

const usage = `usage: attache build [FOLDER|FILE.ts] [--out FILE.wasm] [--debug]

  build   compile a filter and check that Envoy will load it

  --out    where the module goes (build/plugin.wasm in the filter's package)
  --debug  keep function names and skip optimisation
`;

process.exitCode = await main(process.argv.slice(2));

/** Exit codes: 0 done, 1 the filter is at fault, 2 the command line is. */
async function main(args: string[]): Promise<number> {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: { out: { type: "string" }, debug: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    });
  } catch (error) {
    process.stderr.write(`attache: ${(error as Error).message}\n${usage}`);
    return 2;
  }
  const [command, ...operands] = parsed.positionals;
  if (parsed.values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (command !== "build" || operands.length > 1) {
    process.stderr.write(command === undefined ? usage : `attache: cannot make sense of "${args.join(" ")}"\n${usage}`);
    return 2;
  }
  try {
    const { out, debug } = parsed.values;
    const result = await build({
      entry: operands[0] ?? ".",
      ...(out === undefined ? {} : { outFile: out }),
      ...(debug === undefined ? {} : { debug }),
    });
    process.stdout.write(`${relative(".", result.outFile)}: ${result.size.toLocaleString("en")} bytes\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`attache: ${error.message}\n`);
    return 1;
  }
}
