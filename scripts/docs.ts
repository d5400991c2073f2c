import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { abiPage } from "./docs/abi-page.ts";
import { apiPages } from "./docs/api-pages.ts";
import { configurationPage } from "./docs/configuration-page.ts";
import { publicSymbols } from "./docs/public-symbols.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The generated pages, by their path in the repository. */
export async function generatedPages(): Promise<Map<string, string>> {
  const symbols = publicSymbols();
  const pages = new Map([["docs/reference/abi.md", abiPage(symbols)]]);
  for (const [name, text] of apiPages(symbols)) pages.set(`docs/api/${name}.md`, text);
  for (const name of readdirSync(join(root, "assembly"))) {
    const schema = read(`assembly/${name}/schema.json`);
    if (schema !== null) pages.set(`docs/reference/${name}.md`, configurationPage(JSON.parse(schema) as object));
  }
  const options = await resolveConfig(join(root, "docs/api/README.md"));
  for (const [path, text] of pages) pages.set(path, await format(text, { ...options, parser: "markdown" }));
  return pages;
}

/** Pages that differ from what would be generated now, or should not be there. */
export async function stalePages(): Promise<string[]> {
  const pages = await generatedPages();
  const stale = [...pages].filter(([path, text]) => read(path) !== text).map(([path]) => path);
  return [...stale, ...present().filter((path) => !pages.has(path))];
}

if (import.meta.main) {
  const pages = await generatedPages();
  for (const path of present()) if (!pages.has(path)) rmSync(join(root, path));
  for (const [path, text] of pages) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  console.log(`${pages.size} pages in docs/reference/ and docs/api/`);
}

function read(path: string): string | null {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch {
    return null;
  }
}

function present(): string[] {
  try {
    return readdirSync(join(root, "docs/api")).map((name) => `docs/api/${name}`);
  } catch {
    return [];
  }
}
