import { Expression, ExpressionError } from "../properties/expression.ts";
import type { Context } from "../wasm/context.ts";
import { Status } from "./status.ts";

/** The expressions that the guests of one VM made, by token. */
export class Expressions {
  readonly #byToken = new Map<number, Expression>();
  #nextToken = 0;

  add(expression: Expression): number {
    this.#byToken.set(this.#nextToken, expression);
    return this.#nextToken++;
  }

  get(token: number): Expression | undefined {
    return this.#byToken.get(token);
  }

  delete(token: number): void {
    this.#byToken.delete(token);
  }
}

export function createExpression({ vm }: Context, text: Uint8Array): Status | Uint8Array {
  try {
    const token = vm.expressions.add(new Expression(Buffer.from(text).toString("latin1")));
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(token);
    return bytes;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    vm.services.log.proxy("info", `expr_create ${error.message}`);
    return Status.BadArgument;
  }
}

/** In the context whose callback runs, whichever is in effect. */
export function evaluateExpression({ vm }: Context, args: Uint8Array): Status | Uint8Array {
  const token = tokenOf(args);
  if (token === null) return Status.BadArgument;
  const value = vm.expressions.get(token)?.evaluate(vm.worker.current!) ?? Status.NotFound;
  return typeof value === "number" ? value : Buffer.from(value, "latin1");
}

export function deleteExpression({ vm }: Context, args: Uint8Array): Status {
  const token = tokenOf(args);
  if (token === null) return Status.BadArgument;
  vm.expressions.delete(token);
  return Status.Ok;
}

function tokenOf(args: Uint8Array): number | null {
  return args.length === 4 ? Buffer.from(args).readUInt32LE() : null;
}
