import { actFor, currentContext } from "./callback";

/**
 * A stream that waits for something that is not its own, such as an answer that the plugin has asked for:
 *
 * ```ts
 * // in onRequestHeaders():
 * plugin.waiting.push(new HeldStream());
 * return FilterHeaders.StopAllIterationAndWatermark;
 * // in a timer or a callout of the plugin:
 * if (held.act()) continueRequest();
 * ```
 *
 * Made in a callback of the stream. What a stream sends itself, such as a callout, needs none: its callbacks act on the
 * stream already.
 */
@final
export class HeldStream {
  private readonly context: u32 = currentContext;

  /**
   * Lets the rest of the running callback act on this stream, as its own callbacks do: let it go on, answer it, read and
   * change headers that are held.
   *
   * Allowed in: every callback. Cost: one host call.
   *
   * @returns `false`, with nothing changed, when the stream is gone
   */
  act(): bool {
    return actFor(this.context);
  }
}
