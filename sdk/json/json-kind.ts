/** What a JSON value is. */
export enum JsonKind {
  /** The answer for a node that does not exist (`-1`). */
  Absent,
  Null,
  Bool,
  Number,
  String,
  Array,
  Object,
}
