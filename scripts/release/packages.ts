import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** What a package of the repository becomes when it is published. */
export interface Publication {
  /** Folder in the repository. */
  folder: string;
  /** `library`: built JavaScript with types. `sources`: AssemblyScript, for the compiler. `filter`: a compiled module. */
  kind: "library" | "sources" | "filter";
}

/** Everything that is published, in the order it is built and uploaded: each after what it depends on. */
export const publications: readonly Publication[] = [
  { folder: "abi", kind: "library" },
  { folder: "sdk", kind: "sources" },
  { folder: "harness", kind: "library" },
  { folder: "cli", kind: "library" },
  { folder: "create", kind: "library" },
  ...["auth-policy", "header-routing", "metrics", "rate-limit"].map((name) => ({
    folder: `assembly/${name}`,
    kind: "filter" as const,
  })),
];

export interface Manifest {
  name: string;
  version: string;
  description: string;
  private?: boolean;
  bin?: Record<string, string>;
  exports?: Record<string, string>;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  [field: string]: unknown;
}

/** The files below `folder` that a package is made of: no tests, nothing built. */
export function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ["node_modules", "build"].includes(entry.name) ? [] : sourceFiles(path);
    return /\.(test|spec)\.ts$/.test(entry.name) || entry.name === "test-entry.ts" ? [] : [path];
  });
}
