import { Status } from "../abi/enums";
import { proxy_call_foreign_function } from "../abi/imports";
import { ByteView } from "../memory/byte-view";
import { encodeText, textSize } from "../memory/utf8";

/**
 * A function that the proxy offers beyond the ABI, by name. Proxies have different ones; those of Envoy have types of
 * their own: {@link envoy} and {@link Expression}.
 *
 * ```ts
 * const lookUp = new ForeignFunction("my_proxy.look_up");
 * const answer = lookUp.call(key);
 * if (answer === null) log.warn("no answer, status " + lookUp.status.toString());
 * ```
 */
export class ForeignFunction {
  private lastStatus: i32 = Status.Ok;

  constructor(readonly name: string) {}

  /**
   * Calls it. The bytes are valid until the callback returns; empty when the function gives none.
   *
   * Allowed in: every callback. Cost: one host call and what the function does.
   *
   * @returns `null` when it failed or the proxy has no such function: {@link status}
   */
  call(args: ByteView | null = null): ByteView | null {
    return args === null ? this.callBytes(0, 0) : this.callBytes(args.start, args.length);
  }

  /** As {@link call}, for bytes at an address. */
  callBytes(args: usize, size: usize): ByteView | null {
    const name = encodeText(this.name);
    const out = memory.data(8, 4);
    this.lastStatus = proxy_call_foreign_function(name, textSize(name), args, size, out, out + 4);
    return this.lastStatus == Status.Ok ? ByteView.of(load<usize>(out), load<i32>(out, 4)) : null;
  }

  /**
   * What the last call answered, as the ABI numbers it: 0 ok, 1 not found, 2 bad argument, 3 wrong encoding,
   * 10 internal failure. 1 means that the proxy has no such function, unless the function itself answers so.
   */
  get status(): i32 {
    return this.lastStatus;
  }
}
