import { Expression as CelExpression } from "@attache/sdk";
import { Attribute } from "./attribute";

/**
 * Attributes that every stream is asked for: read by one host call, as a list that CEL makes. Where the proxy has no CEL,
 * or one of them cannot be told, they are read one by one.
 */
export class CommonAttributes {
  private readonly all: Attribute[] = [];
  private list: CelExpression | null = null;

  /** @param attribute text or a number: `false` stands for what is absent */
  add(attribute: Attribute): void {
    if (!this.all.includes(attribute)) this.all.push(attribute);
  }

  /** To be called once all are added. */
  compile(): void {
    let items = "";
    for (let index = 0; index < this.all.length; index++) items += (index == 0 ? "" : ",") + this.all[index].inCel;
    if (this.all.length > 1) this.list = CelExpression.compile("[" + items + "]");
  }

  /** Reads them for the stream of this callback. Cost: one host call. */
  read(): void {
    const list = this.list;
    if (list === null) return;
    const value = list.evaluate();
    if (value === null) return;
    // The number of items, their sizes beside those of nothing, and the items, with a NUL behind each and behind nothing.
    const all = this.all;
    let size = value.start + 4;
    let item = size + 8 * all.length;
    for (let index = 0; index < all.length; index++) {
      unchecked(all[index]).take(item, load<i32>(size));
      item += load<u32>(size) + 2;
      size += 8;
    }
  }
}
