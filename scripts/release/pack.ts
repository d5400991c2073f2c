import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { npm } from "./npm.ts";

export interface Tarball {
  /** Of the package. */
  name: string;
  /** What it was packed from. */
  folder: string;
  file: string;
  size: number;
}

/** `npm pack` of each folder; the tarball lies beside it. */
export async function packAll(folders: readonly string[]): Promise<Tarball[]> {
  return await Promise.all(
    folders.map(async (folder) => {
      const output = await npm(["pack", "--json", "--pack-destination", dirname(folder)], folder);
      const [packed] = JSON.parse(output) as [{ name: string; filename: string }];
      const file = join(dirname(folder), packed.filename);
      return { name: packed.name, folder, file, size: (await stat(file)).size };
    }),
  );
}
