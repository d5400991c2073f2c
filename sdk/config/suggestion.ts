import { unitAt } from "../json/text";

/** Longer names are not compared. */
const MAX_LENGTH: i32 = 40;

const row: usize = memory.data(MAX_LENGTH + 1);
const left: usize = memory.data(MAX_LENGTH);
const right: usize = memory.data(MAX_LENGTH);

/** `, did you mean "name"?`, or `""` without a name. */
export function didYouMean(name: string | null): string {
  return name ? ', did you mean "' + name + '"?' : "";
}

/**
 * How likely `given` was meant to be `name`: above 0 when at most a third of its letters have to be changed, more when
 * fewer. Capitals and underscores make no difference.
 */
export function closeness(given: string, name: string): i32 {
  const n = normalize(given, left);
  const m = normalize(name, right);
  if (n < 0 || m < 0) return 0;
  // Levenshtein's distance, one row at a time.
  for (let j = 0; j <= m; j++) store<u8>(row + j, j);
  for (let i = 0; i < n; i++) {
    let diagonal = i;
    store<u8>(row, i + 1);
    for (let j = 0; j < m; j++) {
      const above = <i32>load<u8>(row + j, 1);
      const same = load<u8>(left + i) == load<u8>(right + j);
      store<u8>(row + j, same ? diagonal : min(min(diagonal, above), <i32>load<u8>(row + j)) + 1, 1);
      diagonal = above;
    }
  }
  return max(n, m) / 3 + 1 - load<u8>(row + m);
}

function normalize(name: string, to: usize): i32 {
  if (name.length > MAX_LENGTH) return -1;
  let length = 0;
  for (let i = 0; i < name.length; i++) {
    const c = unitAt(name, i);
    if (c != 0x5f) store<u8>(to + length++, c - 0x41 < 26 ? c | 0x20 : c);
  }
  return length;
}
