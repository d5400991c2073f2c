export const enum Verdict {
  /** The limit is not for this request. */
  NotConcerned,
  /** The limit is for this request, which was not decided about yet. */
  Undecided,
  Allowed,
  Over,
  /** The service is to be asked. */
  Asked,
  /** Not counted: shared data or the service failed, or other workers kept changing the state. */
  Failed,
}
