import { proxy_set_tick_period_milliseconds } from "../abi/imports";
import { actFor, currentContext } from "../context/callback";
import { Plugin } from "../context/plugin";
import { currentTimeNs } from "./time";

const NS_PER_MS: u64 = 1_000_000;

/**
 * Something a plugin does again and again, or once after a while. A plugin can have any number of timers; the proxy's
 * single tick is set to whichever is due next.
 *
 * ```ts
 * class Refresh extends Timer {
 *   override onTimer(): void { log.info("time to refresh"); }
 * }
 * // in configure():
 * this.startTimer(new Refresh(), 30_000);
 * ```
 *
 * Every worker of the proxy runs a plugin's timers, and so does its main thread: with one worker, a timer fires twice
 * per period in all.
 */
export abstract class Timer {
  // A subclass cannot have fields of the same names, private or not.
  private timerPlugin: Plugin | null = null;
  private timerPeriodNs: u64 = 0;
  private timerRepeats: bool = false;
  private timerDueNs: u64 = 0;
  private timerNext: Timer | null = null;

  /** The timer fired. Host calls act on the plugin. */
  abstract onTimer(): void;

  /** Whether the timer will fire. */
  get isRunning(): bool {
    return this.timerPlugin !== null;
  }

  /** Stops the timer, if it runs. Allowed in: callbacks of the plugin and of its streams. */
  stop(): void {
    const plugin = this.timerPlugin;
    if (plugin === null) return;
    this.unlink(plugin);
    Timer.setTick(plugin);
  }

  /** @internal Use `Plugin.startTimer`. */
  start(plugin: Plugin, periodMs: u32, repeats: bool): void {
    const running = this.timerPlugin;
    if (running !== null) this.unlink(running);
    this.timerPlugin = plugin;
    this.timerPeriodNs = <u64>max(periodMs, 1) * NS_PER_MS;
    this.timerRepeats = repeats;
    this.timerDueNs = currentTimeNs() + this.timerPeriodNs;
    this.timerNext = plugin.runningTimers;
    plugin.runningTimers = this;
    Timer.setTick(plugin);
  }

  /** @internal Fires the plugin's timers that are due. */
  static fireDue(plugin: Plugin): void {
    const now = currentTimeNs();
    const context = currentContext;
    let timer = Timer.firstDue(plugin, now);
    while (timer !== null) {
      // Missed periods are not made up for.
      if (timer.timerRepeats)
        timer.timerDueNs = now + timer.timerPeriodNs - ((now - timer.timerDueNs) % timer.timerPeriodNs);
      else timer.unlink(plugin);
      timer.onTimer();
      // It may have gone on with a stream.
      if (currentContext != context) actFor(context);
      timer = Timer.firstDue(plugin, now);
    }
    Timer.setTick(plugin);
  }

  private static firstDue(plugin: Plugin, now: u64): Timer | null {
    let timer = plugin.runningTimers;
    while (timer !== null && timer.timerDueNs > now) timer = timer.timerNext;
    return timer;
  }

  /** Sets the proxy's tick to the timer that is due next; stops it when there is none. */
  private static setTick(plugin: Plugin): void {
    let timer = plugin.runningTimers;
    if (timer === null) {
      proxy_set_tick_period_milliseconds(0);
      return;
    }
    const now = currentTimeNs();
    let dueNs = u64.MAX_VALUE;
    while (timer !== null) {
      // When the proxy's clock was set back, no timer waits longer for it than one more period.
      timer.timerDueNs = min(timer.timerDueNs, now + timer.timerPeriodNs);
      dueNs = min(dueNs, timer.timerDueNs);
      timer = timer.timerNext;
    }
    const waitMs = dueNs > now ? (dueNs - now + NS_PER_MS - 1) / NS_PER_MS : 0;
    proxy_set_tick_period_milliseconds(<u32>min<u64>(max<u64>(waitMs, 1), u32.MAX_VALUE));
  }

  private unlink(plugin: Plugin): void {
    if (plugin.runningTimers === this) {
      plugin.runningTimers = this.timerNext;
    } else {
      let before = plugin.runningTimers!;
      while (before.timerNext !== this) before = before.timerNext!;
      before.timerNext = this.timerNext;
    }
    this.timerNext = null;
    this.timerPlugin = null;
  }
}
