import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packAll } from "./pack.ts";
import { smokeTest } from "./smoke-test.ts";
import { stageAll } from "./stage.ts";

const folder = await mkdtemp(join(tmpdir(), "attache-packages-"));

describe("the packages", () => {
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  it("work in projects that know nothing of this repository", { timeout: 900_000 }, async () => {
    const said: string[] = [];
    const tarballs = await packAll(await stageAll(folder, () => {}));
    await smokeTest(tarballs, (line) => said.push(line));
    expect(said).toContain("the ready filters start");
  });
});
