/**
 * Keeps `object` for good at `slot`, four bytes that a function has for itself (`memory.data(4)`): what is made at its first
 * use. A global variable of a class would not do, because its marking stands in every filter.
 */
export function keep<T>(slot: usize, object: T): T {
  store<usize>(slot, __pin(changetype<usize>(object)));
  return object;
}

/** What {@link keep} keeps at `slot`; `null` when nothing is. */
// @ts-ignore: decorator
@inline
export function kept<T>(slot: usize): T | null {
  return changetype<T | null>(load<usize>(slot));
}
