/** Repeatable chance: the same seed, the same choices (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  of<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.next() * choices.length)]!;
  }

  /** `least` to `most` items. */
  list<T>(least: number, most: number, make: (index: number) => T): T[] {
    const count = least + Math.floor(this.next() * (most - least + 1));
    return Array.from({ length: count }, (_, i) => make(i));
  }

  /** Each of the choices with this probability. */
  some<T>(choices: readonly T[], probability: number): T[] {
    return choices.filter(() => this.chance(probability));
  }

  /** The same choices from here on. */
  copy(): Dice {
    return new Dice(this.#state);
  }

  /** Dice of their own, so that what they are used for does not shift these. */
  fork(): Dice {
    return new Dice(Math.floor(this.next() * 2 ** 32));
  }
}
