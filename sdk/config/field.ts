import { ConfigSource } from "./config-source";
import { closeness } from "./suggestion";

/**
 * A field that the filter asked for, in a tree as the filter sees it: all elements of an array, and all members of a
 * map, are one field. So its size depends on the filter, not on the configuration.
 */
@final
export class Field {
  firstChild: Field | null = null;
  sibling: Field | null = null;

  constructor(
    readonly name: string,
    readonly source: ConfigSource,
  ) {}

  /**
   * The field of this name below this one, added when it is new. `""` stands for the elements. Names are literals, so
   * the same name is the same object; a name that a filter makes up anew each time is only remembered anew.
   */
  child(name: string): Field {
    let child = this.firstChild;
    while (child) {
      if (changetype<usize>(child.name) == changetype<usize>(name)) return child;
      child = child.sibling;
    }
    const added = new Field(name, this.source);
    added.sibling = this.firstChild;
    this.firstChild = added;
    return added;
  }

  /** The name below this one that `given` was probably meant to be, or `null`. */
  suggest(given: string): string | null {
    let best: string | null = null;
    let bestCloseness = 0;
    let child = this.firstChild;
    while (child) {
      const c = closeness(given, child.name);
      if (c > bestCloseness) {
        bestCloseness = c;
        best = child.name;
      }
      child = child.sibling;
    }
    return best;
  }
}
