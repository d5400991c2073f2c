/** Work for the next turn of the proxy's event loop: done in order, once what happens now is over. */
export class Dispatcher {
  #tasks: (() => void)[] = [];
  #isRunning = false;

  post(task: () => void): void {
    this.#tasks.push(task);
  }

  /** Several events from outside that come at once: posted work waits until all are handled. */
  batch(events: () => void): void {
    if (this.#isRunning) {
      events();
      return;
    }
    this.#isRunning = true;
    try {
      events();
    } finally {
      this.#isRunning = false;
    }
    this.run();
  }

  /** Every event from outside ends with this. */
  run(): void {
    if (this.#isRunning || this.#tasks.length === 0) return;
    this.#isRunning = true;
    try {
      for (let tasks = this.#tasks; tasks.length > 0; tasks = this.#tasks) {
        this.#tasks = [];
        for (const task of tasks) task();
      }
    } finally {
      this.#isRunning = false;
    }
  }
}
