/** The latest items of a list that would else grow for ever; at least `limit` of them. */
export class RecentList<Item> {
  readonly items: Item[] = [];
  readonly #limit: number;

  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  add(item: Item): void {
    this.items.push(item);
    if (this.items.length >= 2 * this.#limit) this.items.splice(0, this.#limit);
  }
}
