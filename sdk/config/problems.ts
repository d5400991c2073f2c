import { decimal } from "../json/text";

/** So many problems are told; the rest is counted. */
const MAX_PROBLEMS: i32 = 100;


@final
class Problem {
  next: Problem | null = null;
  constructor(readonly text: string) {}
}

/** Problems in the order in which they were found. */
@final
export class Problems {
  private count: i32 = 0;
  private first: Problem | null = null;
  private last: Problem | null = null;

  add(text: string): void {
    if (this.count++ >= MAX_PROBLEMS) return;
    const problem = new Problem(text);
    const last = this.last;
    if (last) last.next = problem;
    else this.first = problem;
    this.last = problem;
  }

  /** One text each; at the end, when there are too many, how many more. */
  list(): StaticArray<string> {
    const shown = min(this.count, MAX_PROBLEMS);
    const more = this.count - shown;
    const size = <usize>(more ? shown + 1 : shown) * sizeof<usize>();
    const list = changetype<StaticArray<string>>(__new(size, idof<StaticArray<string>>()));
    let problem = this.first;
    for (let i = 0; problem; i++) {
      unchecked((list[i] = problem.text));
      problem = problem.next;
    }
    if (more) unchecked((list[shown] = "and " + decimal(more) + " more"));
    return list;
  }
}
