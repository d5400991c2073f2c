import { RecentList, type Retention } from "./recent-list.ts";
import type { GuestFunction } from "../wasm/callbacks.ts";

/** Calls between proxy and guests, in the words of Envoy's log level `wasm:trace`. */
export class Transcript {
  readonly #lines: RecentList<string>;

  constructor(retention: Retention) {
    this.#lines = new RecentList(retention, 100_000);
  }

  get lines(): readonly string[] {
    return this.#lines.items;
  }

  callbackEnters(callback: GuestFunction, ...args: number[]): void {
    this.#lines.add(`[host->vm] ${callback.name}(${args.slice(0, callback.arity).map(unsigned).join(", ")})`);
  }

  callbackReturns(callback: GuestFunction, result: unknown): void {
    const value = callback.hasResult ? unsigned(result as number) : "void";
    this.#lines.add(`[host<-vm] ${callback.name} return: ${value}`);
  }

  hostFunctionEnters(name: string, args: readonly (number | bigint)[]): void {
    this.#lines.add(`[vm->host] ${name}(${args.map(unsigned).join(", ")})`);
  }

  /** `null`: the function has no result. */
  hostFunctionReturns(name: string, result: number | null): void {
    this.#lines.add(`[vm<-host] ${name} return: ${result === null ? "void" : unsigned(result)}`);
  }
}

function unsigned(value: number | bigint): string {
  return typeof value === "bigint" ? BigInt.asUintN(64, value).toString() : String(value >>> 0);
}
