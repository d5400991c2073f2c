import { watch, type FSWatcher } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";

/** Editors write a file in several steps; what comes within this time is one change. */
const quietMs = 30;

/** Tells of changes to files and folders until it is closed. */
export class Watch {
  readonly #onChange: () => void;
  #watchers: FSWatcher[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Watches these from now on, and nothing else. */
  async follow(paths: readonly string[]): Promise<void> {
    const folders = await Promise.all(paths.map(async (path) => (await stat(path)).isDirectory()));
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = paths.map((path, i) => (folders[i] ? this.#folder(path) : this.#file(path)));
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }

  #folder(path: string): FSWatcher {
    return watch(path, { recursive: true }, (_event, name) => {
      if (name !== null && /^(node_modules|build|\.git)(\/|$)|\.test\.ts$/.test(name)) return;
      this.#changed();
    });
  }

  /** By its folder: a file that is replaced by another is not followed. */
  #file(path: string): FSWatcher {
    return watch(dirname(path), (_event, name) => {
      if (name === basename(path)) this.#changed();
    });
  }

  #changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onChange, quietMs);
  }
}
