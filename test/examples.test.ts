import { execFile } from "node:child_process";
import { readdirSync, existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findEnvoy } from "@attache/harness/envoy";
import { withoutEnvoy } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const envoy = await findEnvoy();
const configurations = ["assembly", "examples"]
  .flatMap((parent) => readdirSync(root + parent).map((name) => `${parent}/${name}/envoy.yaml`))
  .filter((path) => existsSync(root + path));

describe.skipIf(envoy === null)(`Envoy${envoy === null ? `: ${withoutEnvoy}` : ""}`, () => {
  it.each(configurations)("takes %s", async (path) => {
    const { stdout } = await promisify(execFile)(envoy!, ["--mode", "validate", "-c", path, "--log-level", "error"], {
      cwd: root,
    });
    expect(stdout).toContain("OK");
  });
});

describe("each example", () => {
  it.each(readdirSync(`${root}examples`))("%s has a README and a test", (name) => {
    const files = readdirSync(`${root}examples/${name}`);
    expect(files).toContain("README.md");
    expect(files.some((file) => file.endsWith(".test.ts"))).toBe(true);
  });
});
