import { watch, type FSWatcher } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Editors write a file in several steps; what comes within this time is one change. */
const quietMs = 30;

/** Neither sources nor configuration, and thousands of files. */
const passedOver: ReadonlySet<string> = new Set(["node_modules", "build", ".git"]);

/** Tells of changes to files and folders until it is closed. */
export class Watch {
  readonly #onChange: () => void;
  /** By folder: a file that is replaced by another is not followed by itself. */
  #watchers = new Map<string, FSWatcher>();
  /** Names that count in a folder; `null` for all. */
  #wanted = new Map<string, Set<string> | null>();
  #paths: readonly string[] = [];
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Watches these from now on, and nothing else. */
  async follow(paths: readonly string[]): Promise<void> {
    this.#paths = paths;
    await this.#look();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
  }

  async #look(): Promise<void> {
    const wanted = new Map<string, Set<string> | null>();
    for (const path of this.#paths) {
      if ((await stat(path)).isDirectory()) {
        for (const folder of await foldersIn(path)) wanted.set(folder, null);
      } else if (wanted.get(dirname(path)) !== null) {
        wanted.set(dirname(path), (wanted.get(dirname(path)) ?? new Set()).add(basename(path)));
      }
    }
    if (this.#isClosed) return;
    this.#wanted = wanted;
    for (const folder of [...this.#watchers.keys()]) if (!wanted.has(folder)) this.#leave(folder);
    for (const folder of wanted.keys()) {
      if (!this.#watchers.has(folder)) this.#watchers.set(folder, this.#watch(folder));
    }
  }

  #watch(folder: string): FSWatcher {
    const watcher = watch(folder, (event, name) => {
      const names = this.#wanted.get(folder);
      if (name === null || names === undefined) return;
      // What has this name now may be another folder than the one watched.
      if (event === "rename" && this.#leave(join(folder, name))) this.#changed();
      else if (names === null ? !passedOver.has(name) && !name.endsWith(".test.ts") : names.has(name)) this.#changed();
    });
    // A folder that is gone is told of by the one that held it.
    return watcher.on("error", () => {});
  }

  /** Whether the folder was watched. */
  #leave(folder: string): boolean {
    this.#watchers.get(folder)?.close();
    return this.#watchers.delete(folder);
  }

  #changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#tell(), quietMs);
  }

  async #tell(): Promise<void> {
    // There may be other folders now; one that is gone is the caller's to tell of.
    await this.#look().catch(() => {});
    if (!this.#isClosed) this.#onChange();
  }
}

/** A folder and those in it that have sources. */
async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  const inner = entries.filter((entry) => entry.isDirectory() && !passedOver.has(entry.name));
  return [path, ...(await Promise.all(inner.map(async ({ name }) => await foldersIn(join(path, name))))).flat()];
}
