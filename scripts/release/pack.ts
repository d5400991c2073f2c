import { stat } from "node:fs/promises";
import { join } from "node:path";
import { npm } from "./npm.ts";
import { stageFolder } from "./stage.ts";

export interface Tarball {
  /** Of the package. */
  name: string;
  /** What it was packed from. */
  folder: string;
  file: string;
  size: number;
}

/** `npm pack` of each folder. */
export async function packAll(folders: readonly string[]): Promise<Tarball[]> {
  return await Promise.all(
    folders.map(async (folder) => {
      const output = await npm(["pack", "--json", "--pack-destination", stageFolder], folder);
      const [packed] = JSON.parse(output) as [{ name: string; filename: string }];
      const file = join(stageFolder, packed.filename);
      return { name: packed.name, folder, file, size: (await stat(file)).size };
    }),
  );
}
