/** How much of what has happened is remembered: everything, until told that traffic goes on without end. */
export class Retention {
  #isLimited = false;

  get isLimited(): boolean {
    return this.#isLimited;
  }

  keepLatest(): void {
    this.#isLimited = true;
  }
}

/** All items in order; where retention is limited only the latest, at least `limit` of them. */
export class RecentList<Item> {
  readonly items: Item[] = [];
  readonly #retention: Retention;
  readonly #limit: number;

  constructor(retention: Retention, limit = 10_000) {
    this.#retention = retention;
    this.#limit = limit;
  }

  add(item: Item): void {
    this.items.push(item);
    if (this.#retention.isLimited && this.items.length >= 2 * this.#limit)
      this.items.splice(0, this.items.length - this.#limit);
  }
}
