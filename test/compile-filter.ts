import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "@attache/cli";
import { newestSource } from "../scripts/build.ts";

/** Below the SDK, so that the source finds it by its package name. */
const folder = fileURLToPath(new URL("../sdk/build/tests/", import.meta.url));

/** Compiles the source of a filter's main file, as `attache build` would; the same source only once. */
export async function compileFilter(source: string): Promise<Uint8Array> {
  const name = createHash("sha256").update(source).digest("hex").slice(0, 16);
  const outFile = join(folder, name, "plugin.wasm");
  if ((statSync(outFile, { throwIfNoEntry: false })?.mtimeMs ?? 0) > newestSource()) return await readFile(outFile);
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, name, "filter.ts"), source);
  await build({ entry: join(folder, name, "filter.ts"), outFile });
  return await readFile(outFile);
}

/** A filter whose stream class has these members; everything of the SDK is imported. */
export function filterSource(members: string, pluginMembers: string = ""): string {
  return `
import {
  Body, BodyAccess, ByteView, ConfigReader, continueRequest, continueResponse, currentTimeNs, FilterData,
  FilterHeaders, FilterTrailers, HttpFilter, LocalReply, log, LogLevel, OverLimit, Plugin, randomBelow,
  registerPlugin, RequestHeaders, RequestTrailers, resetStream, ResponseHeaders, ResponseTrailers, Text, xxHash64,
} from "@attache/sdk";
export * from "@attache/sdk/proxy";

class TestPlugin extends Plugin {
  override createFilter(): HttpFilter { return new TestFilter(this); }
  ${pluginMembers}
}
class TestFilter extends HttpFilter {
  constructor(private plugin: TestPlugin) { super(); }
  ${members}
}
registerPlugin(() => new TestPlugin());
`;
}
