import { Status } from "../abi/enums";
import { ByteView } from "../memory/byte-view";
import { ForeignFunction } from "./foreign-function";

// @ts-ignore: decorator
@lazy
const create = new ForeignFunction("expr_create");
// @ts-ignore: decorator
@lazy
const evaluate = new ForeignFunction("expr_evaluate");
// @ts-ignore: decorator
@lazy
const remove = new ForeignFunction("expr_delete");

/**
 * A CEL expression over the proxy's attributes, compiled and evaluated by the proxy.
 *
 * ```ts
 * const isInternal = Expression.compile("request.headers['x-team'] == 'core' && request.size < 1024");
 * // in a callback of a stream:
 * if (isInternal !== null && attributeBool(isInternal.evaluate())) log.info("internal");
 * ```
 *
 * Compile in `configure`; the proxy keeps an expression until {@link release}.
 *
 * Source: https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 */
export class Expression {
  private constructor(private readonly token: u32) {}

  /**
   * `null` when the text is no expression, or the proxy knows no CEL: Envoy's official builds do. The proxy does not say
   * what is wrong with it.
   *
   * Allowed in: every callback. Cost: one host call.
   */
  static compile(text: string): Expression | null {
    const bytes = create.call(ByteView.ofText(text));
    return bytes === null || bytes.length != 4 ? null : new Expression(load<u32>(bytes.start));
  }

  /**
   * The value for the current stream, as the proxy encodes attributes: {@link attributeBool}, {@link attributeText},
   * {@link attributeInteger} and {@link attributeNumber} decode it. Valid until the callback returns.
   *
   * Allowed in: every callback; attributes of a stream exist in its callbacks. Cost: one host call and what CEL takes.
   *
   * @returns `null` when there is no value: an attribute in it is absent, or types do not fit
   */
  evaluate(): ByteView | null {
    const token = memory.data(4, 4);
    store<u32>(token, this.token);
    return evaluate.callBytes(token, 4);
  }

  /** Lets the proxy forget it; afterwards {@link evaluate} is `null`. */
  release(): bool {
    const token = memory.data(4, 4);
    store<u32>(token, this.token);
    remove.callBytes(token, 4);
    return remove.status == Status.Ok;
  }
}
