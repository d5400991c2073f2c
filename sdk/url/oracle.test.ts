import { beforeAll, expect, it } from "vitest";
import { random, TestModule } from "../json/test-module.ts";
import { ask } from "/tmp/b/ask.mjs";
let module: TestModule;
beforeAll(async () => { module = await TestModule.compile(import.meta.url); }, 60_000);
const norm = (p: string, mode: number) => { const a = module.call("normalize", Buffer.from(p, "latin1"), mode); if (!a) return "400"; return Buffer.from(module.exports.memory.buffer, a, (module.exports.outputSize as any)()).toString("latin1"); };
it("same as envoy", async () => {
  const next = random(Number(process.env.SEED ?? 5)); const parts = ["/", "/", "/", ".", "..", "%2e", "%2E", "%2f", "%5C", "\\", "%", "a", "b", "%61", "%2", "%6", "5", "2", "e", "%65", "%32", "%25", "?", ";x", "//", "%00", "{", "%7b", "%ff", "^", "|", "~", "%7e", "*"];
  let bad = 0; let n = 0; const end = Date.now() + 25000;
  while (Date.now() < end) {
    let p = "/"; const len = next(12); for (let i = 0; i < len; i++) p += parts[next(parts.length)];
    const modes = [1, 2, 3];
    const got = await Promise.all(modes.map((m) => ask(21099 + m, p)));
    n++;
    modes.forEach((m, i) => { const mine = norm(p, m); if (mine !== got[i]) { bad++; if (bad < 15) console.log(JSON.stringify([p, m, mine, got[i]])); } });
  }
  console.log(n, "paths");
  expect(bad).toBe(0);
}, 60000);
