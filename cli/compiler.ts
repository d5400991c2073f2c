/** The part of AssemblyScript's compiler API that the build uses. Its own typings redefine `console` for the program. */
interface Compiler {
  main(
    args: string[],
    io: {
      stderr: { write(text: string | Uint8Array): void };
      writeFile(name: string, content: string | Uint8Array): void;
    },
  ): Promise<{ error: Error | null }>;
}

const name: string = "assemblyscript/asc";

export const compiler = ((await import(name)) as { default: Compiler }).default;
