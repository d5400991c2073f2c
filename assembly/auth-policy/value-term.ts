import { TextVisitor } from "@attache/sdk";
import { Attribute } from "./attribute";
import { RequestFacts } from "./request-facts";
import { Term } from "./term";

/**
 * An attribute has a value that the request itself tells elsewhere, such as a claim of its token, or has none of those.
 * What is absent, here or there, is neither equal nor different: then the rule holds only if it stops requests that differ.
 */
@final
export class ValueTerm extends Term {
  private readonly comparison: Comparison;

  /** @param sources the attributes whose values are asked for: any of them */
  constructor(
    private readonly attribute: Attribute,
    sources: Attribute[],
    private readonly isNegative: bool,
  ) {
    super();
    this.comparison = new Comparison(sources);
  }

  holds(request: RequestFacts, restricts: bool): bool {
    const isNegative = this.isNegative;
    const attribute = this.attribute;
    const comparison = this.comparison.begin(request);
    const isFound = restricts != isNegative ? attribute.any(request, comparison) : attribute.all(request, comparison);
    if (!comparison.isComplete) return isNegative && restricts;
    return isFound != isNegative;
  }
}

/** Looks for each form of an attribute among the values of others. */
@final
class Comparison extends TextVisitor {
  /** Whether there was something to compare, on both sides. */
  isComplete: bool = false;
  private request: RequestFacts | null = null;
  private readonly equality: Equality = new Equality();

  constructor(private readonly sources: Attribute[]) {
    super();
  }

  begin(request: RequestFacts): Comparison {
    this.request = request;
    this.isComplete = false;
    return this;
  }

  visit(start: usize, length: i32): bool {
    const equality = this.equality;
    equality.begin(start, length);
    const sources = this.sources;
    for (let index = 0; index < sources.length; index++) {
      if (unchecked(sources[index]).any(this.request!, equality)) break;
    }
    this.isComplete = this.isComplete || equality.hasCompared;
    return equality.isFound;
  }
}


@final
class Equality extends TextVisitor {
  hasCompared: bool = false;
  isFound: bool = false;
  private start: usize = 0;
  private length: i32 = 0;

  begin(start: usize, length: i32): void {
    this.start = start;
    this.length = length;
    this.hasCompared = false;
    this.isFound = false;
  }

  visit(start: usize, length: i32): bool {
    this.hasCompared = true;
    this.isFound = length == this.length && memory.compare(start, this.start, length) == 0;
    return this.isFound;
  }
}
