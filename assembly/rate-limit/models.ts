/** What a key may use, as the configuration says it. */
export interface Quota {
  limit: number;
  burst: number;
  periodMs: number;
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
}

const nanoseconds = (quota: Quota) => BigInt(quota.periodMs) * 1_000_000n;
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
      return rejected((size - level) / period, cost * period > size ? null : divideUp(filled - size, rate));
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
      return rejected(tokens, cost > size ? null : next + (fills - 1n) * interval - now);
    },
  };
}

/** A count for each window that was ever used. */
function fixedWindow(quota: Quota): Model {
  const [limit, period] = [BigInt(quota.limit), nanoseconds(quota)];
  const counts = new Map<bigint, bigint>();
  return {
    take(now, cost) {
      const window = now / period;
      const used = counts.get(window) ?? 0n;
      if (used + cost > limit) return rejected(limit - used, cost > limit ? null : (window + 1n) * period - now);
      counts.set(window, used + cost);
      return allowed(limit - used - cost);
    },
  };
}

/** As above, with the share of the window before; the wait is searched for. */
function slidingWindow(quota: Quota): Model {
  const [limit, period] = [BigInt(quota.limit), nanoseconds(quota)];
  const counts = new Map<bigint, bigint>();
  const used = (now: bigint) => {
    const window = now / period;
    const before = (counts.get(window - 1n) ?? 0n) * (period - (now - window * period));
    return (counts.get(window) ?? 0n) + divideUp(before, period);
  };
  return {
    take(now, cost) {
      const room = limit - used(now);
      if (cost <= room) {
        const window = now / period;
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
  };
}

export const models: Record<string, (quota: Quota) => Model> = {
  gcra: leakyBucket,
  tokenBucket,
  fixedWindow,
  slidingWindow,
};
