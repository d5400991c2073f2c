import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** Something `@attache/sdk` exports. */
export interface PublicSymbol {
  name: string;
  /** Name of its page: the folder of the SDK it is in. */
  page: string;
  /** `class`, `function`, `enum`, `type` or `const`. */
  kind: string;
  declaration: ts.Statement;
  file: ts.SourceFile;
}

const sdk = fileURLToPath(new URL("../../sdk/", import.meta.url));

/** Everything a filter can import, in the order of `sdk/index.ts`. */
export function publicSymbols(): PublicSymbol[] {
  return exportsOf(join(sdk, "index.ts")).map(({ name, file, declaration }) => ({
    name,
    page: file.fileName.slice(sdk.length).split("/")[0]!,
    kind: kindOf(declaration),
    declaration,
    file,
  }));
}

interface Export {
  name: string;
  file: ts.SourceFile;
  declaration: ts.Statement;
}

/** What a file exports, followed through re-exports to where it is declared. */
function exportsOf(path: string): Export[] {
  const file = parse(path);
  return file.statements.flatMap((statement): Export[] => {
    if (ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined) {
      const target = exportsOf(resolve(path, (statement.moduleSpecifier as ts.StringLiteral).text));
      if (statement.exportClause === undefined) return target;
      const names = (statement.exportClause as ts.NamedExports).elements.map(({ name }) => name.text);
      return names.map((name) => {
        const found = target.find((entry) => entry.name === name);
        if (found === undefined) throw new Error(`${path}: ${name} is not exported there`);
        return found;
      });
    }
    const isExported = ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some(isExport);
    const name = isExported ? nameOf(statement) : null;
    return name === null ? [] : [{ name, file, declaration: statement }];
  });
}

const files = new Map<string, ts.SourceFile>();

function parse(path: string): ts.SourceFile {
  const known = files.get(path);
  if (known !== undefined) return known;
  const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.ESNext, true);
  files.set(path, file);
  return file;
}

function resolve(from: string, specifier: string): string {
  const path = join(dirname(from), specifier);
  return ts.sys.fileExists(`${path}.ts`) ? `${path}.ts` : join(path, "index.ts");
}

function isExport(modifier: ts.Node): boolean {
  return modifier.kind === ts.SyntaxKind.ExportKeyword;
}

function nameOf(statement: ts.Statement): string | null {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations[0]!.name.getText();
  const { name } = statement as ts.ClassDeclaration;
  return name?.text ?? null;
}

function kindOf(declaration: ts.Statement): string {
  if (ts.isClassDeclaration(declaration)) return "class";
  if (ts.isFunctionDeclaration(declaration)) return "function";
  if (ts.isEnumDeclaration(declaration)) return "enum";
  return ts.isVariableStatement(declaration) ? "const" : "type";
}
