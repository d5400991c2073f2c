import { Algorithm } from "./algorithm";
import { Ed25519, PREPARED_SIZE } from "./ed25519";
import { keep, kept } from "./keep";
import { sharedSha512 } from "./sha2";
import { VerificationKey } from "./verification-key";

function ed25519(): Ed25519 {
  const slot = memory.data(4);
  const curve = kept<Ed25519>(slot);
  return curve !== null ? curve : keep(slot, new Ed25519());
}

/** A key on Ed25519, for EdDSA. */
@final
export class EdKey extends VerificationKey {
  private constructor(
    id: string | null,
    /** The encoded point, then what is prepared of it. */
    readonly point: StaticArray<u8>,
  ) {
    super(id, Algorithm.EdDSA, Algorithm.EdDSA, Algorithm.EdDSA, check);
  }

  /** A key of 32 bytes; `null` when they encode no point. */
  static of(id: string | null, key: usize): EdKey | null {
    const point = new StaticArray<u8>(32 + <i32>PREPARED_SIZE);
    const start = changetype<usize>(point);
    memory.copy(start, key, 32);
    return ed25519().prepare(start + 32, start) ? new EdKey(id, point) : null;
  }
}

function check(
  verificationKey: VerificationKey,
  algorithm: Algorithm,
  message: usize,
  size: usize,
  signature: usize,
  signatureSize: usize,
): bool {
  const point = changetype<usize>(changetype<EdKey>(verificationKey).point);
  return signatureSize == 64 && ed25519().verify(point + 32, point, sharedSha512(), message, size, signature);
}
