import { table } from "@attache/abi";

/** Which host functions answered with which status, read from transcripts. */
export class Hits {
  readonly #pairs = new Map<string, Set<number>>();

  add(transcript: readonly string[]): void {
    for (const line of transcript) {
      const [, name, status] = /^\[vm<-host\] (?:env|wasi_\w+)\.(\w+) return: (\d+)$/.exec(line) ?? [];
      if (name === undefined) continue;
      const statuses = this.#pairs.get(name) ?? new Set();
      this.#pairs.set(name, statuses.add(Number(status)));
    }
  }

  /** Functions of the ABI that no guest called. */
  get missedFunctions(): string[] {
    return functions.filter(({ name }) => !this.#pairs.has(name)).map(({ name }) => name);
  }

  /** `function status` of the ABI table that did not come. */
  get missedPairs(): string[] {
    return this.#all.filter(([name, status]) => !this.#has(name, status)).map((pair) => pair.join(" "));
  }

  /** Of the pairs of function and status in the ABI table, those that came; 1 is all. */
  get share(): number {
    return 1 - this.missedPairs.length / this.#all.length;
  }

  get #all(): [name: string, status: string][] {
    return functions.flatMap(({ name, statuses }) => statuses.map((status): [string, string] => [name, status]));
  }

  #has(name: string, status: string): boolean {
    return this.#pairs.get(name)?.has(table.enums["Status"]![status]!) ?? false;
  }
}

/** What a guest of ABI 0.2.1 can call and see a status of. */
const functions = table.hostFunctions.filter(
  ({ name, statuses, versions }) => name.startsWith("proxy_") && statuses.length > 0 && versions.includes("0.2.1"),
);
