import { HarnessError } from "../errors.ts";

/**
 * Ends guests that do not return, for one proxy. Time is real whatever the proxy's clock, and is looked at only when a guest asks:
 * see `boundModule`.
 */
export class Deadline {
  readonly milliseconds: number;
  /** A guest that asked was told to end: the proxy would hang from here on. */
  isPast = false;
  #error: HarnessError | null = null;
  readonly #waiting = new Set<(error: HarnessError) => void>();
  /** Counts entries into guests from outside. */
  #entry = 0;
  #timedEntry = -1;
  #since = 0;

  constructor(milliseconds: number) {
    if (!(milliseconds > 0)) {
      throw new HarnessError("OPTION_INVALID", `callbackDeadlineMs: ${milliseconds} is no number above 0`);
    }
    this.milliseconds = milliseconds;
  }

  /** A guest is entered that no other guest's callback led to. */
  enter(): void {
    this.assertUsable();
    this.#entry++;
  }

  /** Whether the guest that asks must end; the first time it asks is when its time begins. */
  isOver(): boolean {
    const now = performance.now();
    if (this.#timedEntry === this.#entry) {
      this.isPast ||= now - this.#since > this.milliseconds;
    } else {
      this.#timedEntry = this.#entry;
      this.#since = now;
    }
    return this.isPast;
  }

  /** The guest has been ended: from now on everything fails with this error. */
  exceed(guest: string, callback: string, backtrace: string): HarnessError {
    this.#error ??= new HarnessError(
      "CALLBACK_ENDLESS",
      `${guest}: ${callback} did not return within ${this.milliseconds} ms (callbackDeadlineMs). Envoy would hang here, ` +
        `and this emulator is of no more use${backtrace}`,
    );
    for (const reject of this.#waiting) reject(this.#error);
    this.#waiting.clear();
    return this.#error;
  }

  /** Throws once a guest was ended. */
  assertUsable(): void {
    if (this.#error !== null) throw this.#error;
  }

  /** As `start`, but rejects as soon as a guest is ended, whatever else it waits for. */
  async whileUsable<T>(start: () => Promise<T>): Promise<T> {
    this.assertUsable();
    return await new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      const settled = () => this.#waiting.delete(reject);
      start().then(resolve, reject).finally(settled);
    });
  }
}
