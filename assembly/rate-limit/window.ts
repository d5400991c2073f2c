import { decimal } from "@attache/sdk";

/** A wait that never ends: the request costs more than the limit can ever give, or nobody knows. */
// @ts-ignore: decorator
@inline
export const NEVER: u64 = u64.MAX_VALUE;

/** Longest time in which what was used may come back: some 146 years. */
// @ts-ignore: decorator
@inline
export const LONGEST_NS: u64 = 1 << 62;

/**
 * One limit over one period, kept by one algorithm. Times are nanoseconds since the Unix epoch. A state whose bytes are all zero
 * is that of a key that was never seen.
 *
 * The clock of a proxy can go back. That never gives anything back to a key, and never locks it out for longer than the
 * algorithm's own time: a state that lies further in the future than that is brought back to the present.
 */
export abstract class Window {
  /** What is left after the last {@link charge}. */
  remaining: u64 = 0;
  /** Nanoseconds from the last {@link charge} until nothing is used any more. */
  resetNs: u64 = 0;
  /** Nanoseconds until what the last {@link charge} refused would pass, or {@link NEVER}; `Quota.charge` makes it 0 when it passed. */
  waitNs: u64 = 0;
  /** `100;w=60;name="x"`, as draft 3 of the header fields for quotas has it. */
  readonly draft03Policy: string;
  /** `"x";q=100;w=60`, as draft 11 has it: a structured field (RFC 9651), whose integers have 15 digits at most. */
  readonly policy: string;

  /**
   * @param name how clients see it
   * @param limit what passes in each period
   * @param stateSize bytes that the algorithm keeps per key
   * @param isTimed whether what was used comes back with time, not with the end of requests
   */
  constructor(
    readonly name: string,
    readonly limit: u64,
    readonly periodNs: u64,
    readonly stateSize: usize,
    readonly isTimed: bool = true,
  ) {
    // Windows are told in seconds; one that is no whole number of them is not.
    const window = isTimed && periodNs % 1_000_000_000 == 0 ? ";w=" + decimal(periodNs / 1_000_000_000) : "";
    this.draft03Policy = decimal(limit) + window + ';name="' + name + '"';
    const unit = isTimed ? "" : ';qu="concurrent-requests"';
    this.policy = '"' + name + '";q=' + decimal(min<u64>(limit, 999_999_999_999_999)) + window + unit;
  }

  /** Brings a state back to the present that is too far in the future; `false` when it is not. */
  abstract bringBack(state: usize, now: u64): bool;

  /**
   * Takes `cost` if it is there; if not, the state stays as it is and the answer is `false`.
   *
   * @param isOwed whether it is taken anyway: what is not there is a debt, of at most as much as the limit gives at once
   */
  abstract charge(state: usize, now: u64, cost: u64, isOwed: bool): bool;

  /**
   * Gives back what {@link charge} took, of a state that others may have changed since. Not to be called after `idle`.
   *
   * @param idle {@link idleAt} as it was right after that charge
   */
  abstract refund(state: usize, idle: u64, cost: u64): void;

  /** When the state is as good as none. */
  abstract idleAt(state: usize): u64;
}
