import { describe, expect, it } from "vitest";
import { packAll } from "./pack.ts";
import { smokeTest } from "./smoke-test.ts";
import { stageAll } from "./stage.ts";

describe("the packages", () => {
  it("work in projects that know nothing of this repository", { timeout: 900_000 }, async () => {
    const said: string[] = [];
    const tarballs = await packAll(await stageAll(() => {}));
    await smokeTest(tarballs, (line) => said.push(line));
    expect(said).toContain("the ready filters start");
  });
});
