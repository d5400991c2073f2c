/** What a key may use, as the configuration says it. */
export interface Quota {
  limit: number;
  burst: number;
  periodMs: number;
  /** The period is one of the calendar, in UTC. */
  calendar?: "month" | "year";
}

/** What a client sees of a decision. */
export interface Decision {
  allowed: boolean;
  remaining: string;
  retryAfter: string | null;
}

/** One key of a limit, kept the plain way: exact numbers of any size, and every rule as its definition says. */
export interface Model {
  take(now: bigint, cost: bigint): Decision;
  /** At once after it was allowed, a request turns out to cost something else. */
  settle(taken: bigint, cost: bigint): void;
}

const nanoseconds = (quota: Quota) => BigInt(quota.periodMs) * 1_000_000n;
export const least = (a: bigint, b: bigint) => (a < b ? a : b);
const divideUp = (a: bigint, b: bigint) => (a + b - 1n) / b;

function allowed(remaining: bigint): Decision {
  return { allowed: true, remaining: String(remaining), retryAfter: null };
}

/** @param wait in nanoseconds; `null` when waiting does not help */
function rejected(remaining: bigint, wait: bigint | null): Decision {
  const seconds = wait === null ? null : divideUp(wait, 1_000_000_000n);
  return { allowed: false, remaining: String(remaining), retryAfter: seconds === null ? null : String(seconds || 1n) };
}

/** A leaky bucket, which GCRA is: it leaks `limit` per period and holds `burst`. Everything is in tokens · period. */
function leakyBucket(quota: Quota): Model {
  const [rate, period] = [BigInt(quota.limit), nanoseconds(quota)];
  const size = BigInt(quota.burst) * period;
  let level = 0n;
  let last = 0n;
  return {
    take(now, cost) {
      const leaked = level - (now - last) * rate;
      level = leaked > 0n ? leaked : 0n;
      last = now;
      const filled = level + cost * period;
      if (filled <= size) {
        level = filled;
        return allowed((size - level) / period);
      }
      const room = level > size ? 0n : (size - level) / period;
      return rejected(room, cost * period > size ? null : divideUp(filled - size, rate));
    },
    settle(taken, cost) {
      level += least(cost - taken, size / period) * period;
    },
  };
}

/** Tokens that come in steps; the steps of a full bucket begin when it is used. */
function tokenBucket(quota: Quota): Model {
  const [fill, size, interval] = [BigInt(quota.limit), BigInt(quota.burst), nanoseconds(quota)];
  let tokens = size;
  let next = 0n;
  return {
    take(now, cost) {
      if (tokens < size && now >= next) {
        const fills = 1n + (now - next) / interval;
        tokens += fills * fill;
        next += fills * interval;
      }
      if (tokens >= size) [tokens, next] = [size, now + interval];
      if (cost <= tokens) return allowed((tokens -= cost));
      const fills = divideUp(cost - tokens, fill);
      return rejected(tokens < 0n ? 0n : tokens, cost > size ? null : next + (fills - 1n) * interval - now);
    },
    settle(taken, cost) {
      tokens -= least(cost - taken, size);
    },
  };
}

/** A count for each window that was ever used. */
function fixedWindow(quota: Quota): Model {
  const limit = BigInt(quota.limit);
  const counts = new Map<bigint, bigint>();
  const windowAt = quota.calendar === undefined ? windowOf(nanoseconds(quota)) : calendarWindow(quota.calendar);
  let last = 0n;
  return {
    take(now, cost) {
      const [start, end] = windowAt(now);
      const used = counts.get(start) ?? 0n;
      if (used + cost > limit) return rejected(limit - used, cost > limit ? null : end - now);
      counts.set((last = start), used + cost);
      return allowed(limit - used - cost);
    },
    settle(taken, cost) {
      counts.set(last, least(counts.get(last)! + cost - taken, limit));
    },
  };
}

/** As above, with the share of the window before; the wait is searched for. */
function slidingWindow(quota: Quota): Model {
  const [limit, period] = [BigInt(quota.limit), nanoseconds(quota)];
  const counts = new Map<bigint, bigint>();
  let last = 0n;
  const used = (now: bigint) => {
    const window = now / period;
    const before = (counts.get(window - 1n) ?? 0n) * (period - (now - window * period));
    return (counts.get(window) ?? 0n) + divideUp(before, period);
  };
  return {
    take(now, cost) {
      const room = limit - least(used(now), limit);
      if (cost <= room) {
        const window = (last = now / period);
        counts.set(window, (counts.get(window) ?? 0n) + cost);
        return allowed(room - cost);
      }
      if (cost > limit) return rejected(room, null);
      // Without requests, what is used only sinks.
      let [low, high] = [now, (now / period + 2n) * period];
      while (high - low > 1n) {
        const middle = (low + high) / 2n;
        if (used(middle) + cost <= limit) high = middle;
        else low = middle;
      }
      return rejected(room, high - now);
    },
    settle(taken, cost) {
      counts.set(last, counts.get(last)! + least(cost - taken, limit));
    },
  };
}

/** When requests passed: those within the period before count. */
function slidingLog(quota: Quota): Model {
  const [limit, period] = [BigInt(quota.limit), nanoseconds(quota)];
  let times: bigint[] = [];
  let last = 0n;
  return {
    take(now, cost) {
      times = times.filter((time) => time + period > now);
      const room = limit - BigInt(times.length);
      if (cost > room) return rejected(room, cost > limit ? null : times[Number(cost - room) - 1]! + period - now);
      for (let count = 0n; count < cost; count++) times.push((last = now));
      return allowed(room - cost);
    },
    settle(taken, cost) {
      if (cost < taken) times.splice(times.length - Number(taken - cost));
      else for (let count = taken; count < cost && count - taken < limit; count++) times.push(last);
      times = times.slice(-quota.limit);
    },
  };
}

/** Start and end of the window that a time is in. */
type WindowAt = (now: bigint) => [start: bigint, end: bigint];

function windowOf(period: bigint): WindowAt {
  return (now) => [(now / period) * period, (now / period + 1n) * period];
}

function calendarWindow(unit: "month" | "year"): WindowAt {
  return (now) => {
    const date = new Date(Number(now / 1_000_000n));
    const [year, month] = [date.getUTCFullYear(), unit === "year" ? 0 : date.getUTCMonth()];
    const next = unit === "year" ? Date.UTC(year + 1, 0) : Date.UTC(year, month + 1);
    return [BigInt(Date.UTC(year, month)) * 1_000_000n, BigInt(next) * 1_000_000n];
  };
}

export const models: Record<string, (quota: Quota) => Model> = {
  gcra: leakyBucket,
  tokenBucket,
  fixedWindow,
  slidingWindow,
  slidingLog,
};
