import { takeScratch } from "../memory/arena";
import { Algorithm } from "./algorithm";
import { Curve } from "./curve";
import { ecdsaToDer } from "./ecdsa-der";
import { hostVerifies, verifyByHost } from "./host-verification";
import { ecKeyInfo } from "./public-key-info";
import { sharedSha2 } from "./sha2";
import { VerificationKey } from "./verification-key";

/** A key on P-256, P-384 or P-521, for ES256, ES384 or ES512: the curve decides which. */
@final
export class EcKey extends VerificationKey {
  private constructor(
    id: string | null,
    algorithm: Algorithm,
    readonly curve: Curve,
    readonly point: StaticArray<u8>,
    /** The key as the proxy takes it. */
    readonly info: StaticArray<u8>,
  ) {
    super(id, algorithm, algorithm, algorithm, check);
  }

  /** A key of two coordinates as long as those of the curve; `null` when they are no point of it. */
  static of(id: string | null, algorithm: Algorithm, curve: Curve, x: usize, y: usize): EcKey | null {
    const point = new StaticArray<u8>(<i32>curve.preparedSize);
    if (!curve.prepare(changetype<usize>(point), x, y)) return null;
    return new EcKey(id, algorithm, curve, point, ecKeyInfo(x, y, curve.size));
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
  const key = changetype<EcKey>(verificationKey);
  const half = key.curve.size;
  if (signatureSize != half << 1) return false;
  const hash = sharedSha2(algorithm - Algorithm.ES256);
  if (hostVerifies()) {
    const der = takeScratch(signatureSize + 9);
    return verifyByHost(hash.digestSize, key.info, message, size, der, ecdsaToDer(signature, half, der) - der);
  }
  const digest = takeScratch(hash.digestSize);
  hash.update(message, size).digest(digest);
  return key.curve.verify(changetype<usize>(key.point), digest, hash.digestSize, signature);
}
