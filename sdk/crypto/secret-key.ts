import { Algorithm } from "./algorithm";
import { newSha2 } from "./sha2";
import { Hmac } from "./hmac";
import { VerificationKey } from "./verification-key";

/** A shared secret of 32 bytes or more, for HS256, HS384 and HS512. */
@final
export class SecretKey extends VerificationKey {
  readonly secret: StaticArray<u8>;
  readonly hmacs: StaticArray<Hmac | null> = new StaticArray<Hmac | null>(3);

  constructor(id: string | null, algorithm: Algorithm, secret: usize, size: usize) {
    // A key must be as long as the digest (RFC 7518 §3.2).
    const last = size >= 64 ? Algorithm.HS512 : size >= 48 ? Algorithm.HS384 : Algorithm.HS256;
    super(id, algorithm, Algorithm.HS256, last, check);
    this.secret = new StaticArray<u8>(<i32>size);
    memory.copy(changetype<usize>(this.secret), secret, size);
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
  const key = changetype<SecretKey>(verificationKey);
  const index = algorithm - Algorithm.HS256;
  let hmac = key.hmacs[index];
  if (hmac === null) {
    hmac = new Hmac(newSha2(index), changetype<usize>(key.secret), key.secret.length);
    key.hmacs[index] = hmac;
  }
  return hmac.update(message, size).verify(signature, signatureSize);
}
