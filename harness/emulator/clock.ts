export interface Timer {
  cancel(): void;
}

/** Time as the proxy sees it, in milliseconds. */
export interface Clock {
  /** Since the epoch. */
  now(): number;
  /** The `date` header for now. */
  httpDate(): string;
  setTimer(milliseconds: number, fire: () => void): Timer;
  /** Cancels every timer. */
  stop(): void;
}

/** Time that passes only when it is told to; timers due at the same moment fire in the order they were set. */
export class VirtualClock implements Clock {
  #now: number;
  #timers = new Set<VirtualTimer>();
  #next: VirtualTimer | null = null;
  #set = 0;
  #dateSecond = Number.NaN;
  #date = "";

  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  httpDate(): string {
    const second = Math.floor(this.#now / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#date = new Date(this.#now).toUTCString();
    }
    return this.#date;
  }

  setTimer(milliseconds: number, fire: () => void): Timer {
    const timer = new VirtualTimer(this.#timers, this.#now + milliseconds, this.#set++, fire);
    this.#timers.add(timer);
    return timer;
  }

  /**
   * Lets time pass and fires what falls due; `afterEach` runs after each timer. A negative time is a clock that is set back:
   * timers wait as long as before, as Envoy's follow a clock that nobody sets.
   */
  advance(milliseconds: number, afterEach: () => void): void {
    if (milliseconds < 0) for (const timer of this.#timers) timer.due += milliseconds;
    const end = this.#now + milliseconds;
    while ((this.#next = this.#firstDue(end)) !== null) {
      this.#timers.delete(this.#next);
      this.#now = Math.max(this.#now, this.#next.due);
      this.#next.fire();
      afterEach();
    }
    this.#now = end;
  }

  stop(): void {
    this.#timers.clear();
  }

  #firstDue(end: number): VirtualTimer | null {
    let first: VirtualTimer | null = null;
    for (const timer of this.#timers) {
      if (timer.due > end) continue;
      if (first === null || timer.due < first.due || (timer.due === first.due && timer.order < first.order))
        first = timer;
    }
    return first;
  }
}

class VirtualTimer implements Timer {
  readonly #timers: Set<VirtualTimer>;
  due: number;
  readonly order: number;
  readonly fire: () => void;

  constructor(timers: Set<VirtualTimer>, due: number, order: number, fire: () => void) {
    this.#timers = timers;
    this.due = due;
    this.order = order;
    this.fire = fire;
  }

  cancel(): void {
    this.#timers.delete(this);
  }
}

/** The machine's time; `afterEach` runs after each timer. Timers do not keep the process alive. */
export class RealClock implements Clock {
  readonly #afterEach: () => void;
  readonly #timers = new Set<NodeJS.Timeout>();
  #dateSecond = Number.NaN;
  #date = "";

  constructor(afterEach: () => void) {
    this.#afterEach = afterEach;
  }

  now(): number {
    return performance.timeOrigin + performance.now();
  }

  httpDate(): string {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#date = new Date(second * 1000).toUTCString();
    }
    return this.#date;
  }

  setTimer(milliseconds: number, fire: () => void): Timer {
    const timeout = setTimeout(() => {
      this.#timers.delete(timeout);
      fire();
      this.#afterEach();
    }, milliseconds);
    timeout.unref();
    this.#timers.add(timeout);
    return {
      cancel: () => {
        this.#timers.delete(timeout);
        clearTimeout(timeout);
      },
    };
  }

  stop(): void {
    for (const timeout of this.#timers) clearTimeout(timeout);
    this.#timers.clear();
  }
}
