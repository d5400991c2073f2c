import { mkdirSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { waitUntil } from "../harness/envoy/wait.ts";
import { Watch } from "./watch.ts";

describe("a watch", () => {
  let folder: string;
  let changes = 0;
  let watch: Watch;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "attache-watch-test-"));
    await mkdir(join(folder, "lib"));
    await mkdir(join(folder, "node_modules"));
    await writeFile(join(folder, "filter.ts"), "");
    changes = 0;
    watch = new Watch(() => changes++);
  });
  afterEach(async () => {
    watch.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function tells(change: () => Promise<void>): Promise<void> {
    const before = changes;
    await change();
    await waitUntil("the watch to tell", async () => changes > before || null);
  }

  it("tells of changes in a folder and the folders in it, new ones too", async () => {
    await watch.follow([folder]);
    await tells(async () => await writeFile(join(folder, "filter.ts"), "changed"));
    await tells(async () => await writeFile(join(folder, "lib", "more.ts"), ""));
    await tells(async () => await mkdir(join(folder, "lib", "new")));
    await tells(async () => await writeFile(join(folder, "lib", "new", "more.ts"), ""));
    await tells(async () => await rm(join(folder, "lib", "new"), { recursive: true }));
    await tells(async () => await writeFile(join(folder, "filter.ts"), "again"));
  });

  it("tells of changes in a folder that takes the place of another at once", async () => {
    await writeFile(join(folder, "lib", "more.ts"), "");
    await watch.follow([folder]);
    await tells(async () => {
      rmSync(join(folder, "lib"), { recursive: true });
      mkdirSync(join(folder, "lib"));
    });
    await tells(async () => await writeFile(join(folder, "lib", "more.ts"), "changed"));
  });

  it("tells of a file that another takes the place of, and of nothing beside it", async () => {
    await watch.follow([join(folder, "filter.ts")]);
    await writeFile(join(folder, "other.ts"), "");
    await tells(async () => await rename(join(folder, "other.ts"), join(folder, "filter.ts")));
    expect(changes).toBe(1);
  });

  it("passes over what is installed and built, and tests", async () => {
    await watch.follow([folder]);
    await writeFile(join(folder, "node_modules", "some.js"), "");
    await writeFile(join(folder, "filter.test.ts"), "");
    await mkdir(join(folder, "build"));
    await tells(async () => await writeFile(join(folder, "filter.ts"), "changed"));
    expect(changes).toBe(1);
  });

  it("opens nothing when it was closed meanwhile", async () => {
    const followed = watch.follow([folder]);
    watch.close();
    await followed;
    expect(process.getActiveResourcesInfo()).not.toContain("FSEventWrap");
  });
});
