/**
 * Texts that are seldom needed: while a plugin is configured, in `new Error`, and in functions and methods that are marked
 * so:
 *
 * ```ts
 * // @ts-ignore: decorator
 * @cold
 * function explain(status: i32): string { return status == 1 ? "the token has expired" : "there is no token"; }
 * ```
 *
 * The compiler's transform (`cold-texts.mjs`) puts them into the module byte by byte, which takes half the room of a string
 * literal, and replaces the literal by a call of these.
 */

/** A new string of `length` characters, each from one byte at `bytes`. */
// @ts-ignore: decorator
@global
export function __coldText(bytes: usize, length: i32): string {
  const text = __new((<usize>length) << 1, idof<string>());
  for (let index: usize = 0; index < <usize>length; index++) store<u16>(text + (index << 1), load<u8>(bytes + index));
  return changetype<string>(text);
}

/** As {@link __coldText}, made only once: its address is kept in the word before the bytes. */
// @ts-ignore: decorator
@global
export function __keptText(word: usize, length: i32): string {
  const kept = load<usize>(word);
  if (kept != 0) return changetype<string>(kept);
  const text = __pin(changetype<usize>(__coldText(word + 4, length)));
  store<usize>(word, text);
  return changetype<string>(text);
}
