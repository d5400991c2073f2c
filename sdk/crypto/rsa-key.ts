import { Algorithm } from "./algorithm";
import { hostVerifies, verifyByHost } from "./host-verification";
import { digestInfo, RsaPublicKey } from "./rsa-public-key";
import { sharedSha2 } from "./sha2";
import { VerificationKey } from "./verification-key";

/** An RSA key, for RS256, RS384, RS512, PS256, PS384 and PS512. */
@final
export class RsaKey extends VerificationKey {
  constructor(
    id: string | null,
    algorithm: Algorithm,
    readonly key: RsaPublicKey,
    /** The key as the proxy takes it. */
    readonly info: StaticArray<u8>,
  ) {
    super(id, algorithm, Algorithm.RS256, Algorithm.PS512, check);
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
  const rsaKey = changetype<RsaKey>(verificationKey);
  const key = rsaKey.key;
  const isPss = algorithm >= Algorithm.PS256;
  const hash = sharedSha2(algorithm - (isPss ? Algorithm.PS256 : Algorithm.RS256));
  if (!isPss && hostVerifies()) {
    return (
      signatureSize == key.size && verifyByHost(hash.digestSize, rsaKey.info, message, size, signature, signatureSize)
    );
  }
  hash.update(message, size);
  return isPss
    ? key.verifyPss(hash, signature, signatureSize)
    : key.verifyPkcs1(hash, digestInfo(hash.digestSize), signature, signatureSize);
}
