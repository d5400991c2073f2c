import { ByteView, Counter, currentTimeNs, log, randomBelow, Timer } from "@attache/sdk";
import { HeldRequest } from "../held-request";
import { Jwks } from "./jwks";
import { JwksFetch } from "./jwks-fetch";
import { JwksLocation } from "./jwks-location";
import { JwtContext } from "./jwt-context";
import { TokenCache } from "./token-cache";
import { WaitingRequests } from "./waiting-requests";

const FIRST_RETRY_MS: u32 = 1_000;
const LAST_RETRY_MS: u32 = 32_000;

/**
 * The keys of an issuer that are fetched: when the filter starts, again after a while, and when a token names a key that
 * is not among them. Keys that were fetched once are kept until others come.
 */
@final
export class RemoteJwks extends Timer {
  /** `null` before the first time that keys came. */
  jwks: Jwks | null = null;
  private readonly fetch: JwksFetch;
  /** Whether keys are being fetched, or will be at once. */
  private isFetching: bool = true;
  private readonly waiting: WaitingRequests;
  private failures: i32 = 0;
  private triedNs: u64 = 0;
  /** What {@link jwks} was read from. */
  private text: StaticArray<u8> = [];

  /** @param cache of the tokens that the keys have verified */
  constructor(
    location: JwksLocation,
    private readonly issuer: string,
    private readonly context: JwtContext,
    private readonly cache: TokenCache,
  ) {
    super();
    this.waiting = new WaitingRequests(context.plugin);
    this.fetch = new JwksFetch(location);
    // Not at once: while the proxy starts it has no clusters.
    this.fetchIn(1);
  }

  /** Whether a request can wait for keys that are being fetched. */
  get isAwaited(): bool {
    return this.isFetching && !this.waiting.isFull;
  }

  /** Has the keys fetched for a token that none of them fits, unless that was done only just: whether it can wait. */
  renew(): bool {
    if (!this.isFetching && currentTimeNs() - this.triedNs >= this.context.refetchNs) {
      this.isFetching = true;
      this.fetchIn(1);
    }
    return this.isAwaited;
  }

  /** Lets a request wait, after {@link isAwaited} or {@link renew} said that it can. */
  hold(request: HeldRequest): void {
    this.waiting.add(request);
  }

  override onTimer(): void {
    this.isFetching = true;
    this.fetch.begin(this);
  }

  /** A key set has come, or something that should be one. */
  fetched(text: ByteView): void {
    if (this.jwks === null || !this.isSame(text)) {
      const jwks = new Jwks(text, true);
      const problem = jwks.problem;
      if (problem !== null) {
        this.failed(problem);
        return;
      }
      for (let index = 0; index < jwks.remarks.length; index++) this.warn(jwks.remarks[index]);
      this.text = new StaticArray<u8>(text.length);
      memory.copy(changetype<usize>(this.text), text.start, text.length);
      this.jwks = jwks;
      // What a key has verified that is no longer there must not count.
      this.cache.clear();
    }
    fetches.increment();
    this.failures = 0;
    // Not all workers at the same time.
    const longest = this.context.refreshMs;
    this.ended(longest - randomBelow(longest / 10));
  }

  /** No keys have come. */
  failed(problem: string): void {
    failedFetches.increment();
    this.warn("cannot fetch keys: " + problem);
    const delay = min(FIRST_RETRY_MS << this.failures, LAST_RETRY_MS);
    this.failures = min(this.failures + 1, 5);
    this.ended(delay);
  }

  private ended(nextMs: u32): void {
    this.isFetching = false;
    this.triedNs = currentTimeNs();
    this.fetchIn(min(nextMs, this.context.refreshMs));
    this.waiting.release();
  }

  private fetchIn(milliseconds: u32): void {
    this.context.plugin.startTimer(this, milliseconds, false);
  }

  private isSame(text: ByteView): bool {
    return (
      text.length == this.text.length && memory.compare(text.start, changetype<usize>(this.text), text.length) == 0
    );
  }

  private warn(what: string): void {
    log.warn("auth-policy: " + this.issuer + ": " + what);
  }
}

const fetches = new Counter("auth_policy.jwks_fetched");
const failedFetches = new Counter("auth_policy.jwks_fetch_failed");
