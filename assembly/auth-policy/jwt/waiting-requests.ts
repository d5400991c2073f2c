import { Plugin, Timer } from "@attache/sdk";
import { HeldRequest } from "../held-request";

/** Requests that may wait at a time. */
const MOST_WAITING: i32 = 1024;
/** Requests that go on in one callback: the headers of each stay in memory until it returns. */
const BATCH: i32 = 64;

/** Requests that wait for keys. They go on a batch at a time, a millisecond apart. */
@final
export class WaitingRequests extends Timer {
  private waiting: HeldRequest[] = [];
  /** Those that have stopped waiting; the first ones have gone on. */
  private released: HeldRequest[] = [];
  private gone: i32 = 0;

  constructor(private readonly plugin: Plugin) {
    super();
  }

  get isFull(): bool {
    return this.waiting.length + this.released.length - this.gone >= MOST_WAITING;
  }

  add(request: HeldRequest): void {
    this.waiting.push(request);
  }

  /** Ends the wait of all that are there now. */
  release(): void {
    const waiting = this.waiting;
    if (waiting.length == 0) return;
    this.waiting = [];
    this.released = this.released.slice(this.gone).concat(waiting);
    this.gone = 0;
    if (!this.isRunning) this.goOn();
  }

  override onTimer(): void {
    this.goOn();
  }

  private goOn(): void {
    const released = this.released;
    const end = min(this.gone + BATCH, released.length);
    // Counted before: a request that goes on can have others released.
    const from = this.gone;
    this.gone = end;
    if (end < released.length) this.plugin.startTimer(this, 1, false);
    for (let index = from; index < end; index++) released[index].resume();
  }
}
