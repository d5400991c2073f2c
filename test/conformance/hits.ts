import { table } from "@attache/abi";

/** Which host functions answered with which status, and which callbacks were called, read from transcripts. */
export class Hits {
  readonly #pairs = new Map<string, Set<number>>();
  readonly #called = new Set<string>();

  add(transcript: readonly string[]): void {
    for (const line of transcript) {
      const [, callback] = /^\[host->vm\] (\w+)\(/.exec(line) ?? [];
      if (callback !== undefined) this.#called.add(callback);
      const [, name, status] = /^\[vm<-host\] (?:env|wasi_\w+)\.(\w+) return: (\d+)$/.exec(line) ?? [];
      if (name === undefined) continue;
      const statuses = this.#pairs.get(name) ?? new Set();
      this.#pairs.set(name, statuses.add(Number(status)));
    }
  }

  /** Callbacks of the ABI that were never called, but for those that Envoy never calls. */
  get missedCallbacks(): string[] {
    return table.callbacks.map(({ name }) => name).filter((name) => !this.#called.has(name) && !notCalled.has(name));
  }

  /** WASI functions that no guest called. */
  get missedWasiFunctions(): string[] {
    return table.wasiFunctions.map(({ name }) => name).filter((name) => !this.#pairs.has(name) && name !== "proc_exit");
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

/** The allocators are not in transcripts; what Envoy never calls stands in `rows.ts`. */
const notCalled = new Set([
  "malloc",
  "proxy_on_memory_allocate",
  "proxy_validate_configuration",
  "proxy_on_foreign_function",
  "proxy_on_request_metadata",
  "proxy_on_response_metadata",
  "envoy_on_stats_update",
]);

/** What a guest of ABI 0.2.1 can call and see a status of. */
const functions = table.hostFunctions.filter(
  ({ name, statuses, versions }) => name.startsWith("proxy_") && statuses.length > 0 && versions.includes("0.2.1"),
);
