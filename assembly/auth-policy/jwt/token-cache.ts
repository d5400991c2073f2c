import { ByteView, xxHash64 } from "@attache/sdk";
import { Claims } from "../claims";

/** A token that was verified, with what was found in it. */
@final
export class VerifiedToken {
  /** The one that was kept next. */
  next: VerifiedToken | null = null;
  private readonly bytes: StaticArray<u8>;

  constructor(
    text: ByteView,
    readonly hash: u64,
    readonly claims: Claims,
    readonly expires: i64,
    readonly notBefore: i64,
  ) {
    this.bytes = new StaticArray<u8>(text.length);
    memory.copy(changetype<usize>(this.bytes), text.start, text.length);
  }

  get size(): i32 {
    return this.bytes.length;
  }

  is(text: ByteView): bool {
    return text.length == this.size && memory.compare(text.start, changetype<usize>(this.bytes), text.length) == 0;
  }
}

/**
 * The tokens verified last, so that a signature is checked once. The oldest goes first, when there are too many or they
 * have too many bytes. What a token says of its time is checked at each use, not here.
 */
@final
export class TokenCache {
  private readonly tokens: Map<u64, VerifiedToken> = new Map<u64, VerifiedToken>();
  private oldest: VerifiedToken | null = null;
  private newest: VerifiedToken | null = null;
  private bytes: i32 = 0;

  constructor(
    private readonly mostTokens: i32,
    /** Of the tokens as they are sent; what was found in them takes several times as much. */
    private readonly mostBytes: i32,
  ) {}

  get(text: ByteView): VerifiedToken | null {
    const hash = xxHash64(text.start, text.length);
    if (!this.tokens.has(hash)) return null;
    const token = this.tokens.get(hash);
    return token.is(text) ? token : null;
  }

  add(text: ByteView, claims: Claims, expires: i64, notBefore: i64): void {
    const hash = xxHash64(text.start, text.length);
    if (text.length > this.mostBytes || this.mostTokens == 0 || this.tokens.has(hash)) return;
    while (this.tokens.size >= this.mostTokens || this.bytes + text.length > this.mostBytes) this.dropOldest();
    const token = new VerifiedToken(text, hash, claims, expires, notBefore);
    const newest = this.newest;
    if (newest === null) this.oldest = token;
    else newest.next = token;
    this.newest = token;
    this.tokens.set(hash, token);
    this.bytes += token.size;
  }

  clear(): void {
    this.tokens.clear();
    this.oldest = null;
    this.newest = null;
    this.bytes = 0;
  }

  private dropOldest(): void {
    const oldest = this.oldest;
    if (oldest === null) return;
    this.tokens.delete(oldest.hash);
    this.bytes -= oldest.size;
    this.oldest = oldest.next;
    if (this.oldest === null) this.newest = null;
  }
}
