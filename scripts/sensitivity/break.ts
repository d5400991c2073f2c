import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { rules } from "./rules.ts";

// Loaded before the scenarios: the emulator's sources then come with one rule broken.
const harness = fileURLToPath(new URL("../../harness/", import.meta.url));
const { file, from, to } = rules[Number(process.env["ATTACHE_BROKEN_RULE"])]!;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.startsWith("file:") || fileURLToPath(url) !== harness + file) return loaded;
    const source = Buffer.from(loaded.source as Uint8Array).toString();
    if (source.split(from).length !== 2) throw new Error(`${file}: this does not stand there once: ${from}`);
    return { ...loaded, source: source.replace(from, () => to) };
  },
});
