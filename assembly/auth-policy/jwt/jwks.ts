import {
  Algorithm,
  ByteView,
  importJwk,
  JsonDocument,
  JsonKind,
  JsonNode,
  Verification,
  VerificationKey,
} from "@attache/sdk";
import { JwtStatus } from "./jwt-status";

/** More keys of one set are not read: each takes up to some milliseconds. */
const MOST_KEYS: i32 = 100;

/** The keys of an issuer: a JSON Web Key Set (RFC 7517). */
@final
export class Jwks {
  /** Why none of the keys can be used; `null` when one can. */
  problem: string | null = null;
  /** What is odd about some of the keys, such as why they are left out. */
  readonly remarks: string[] = [];
  private readonly keys: VerificationKey[] = [];
  /** Whether a key names its algorithm, for each of {@link keys}. */
  private readonly areNamed: bool[] = [];

  /**
   * Reads the text of a set. Keys that cannot be used are left out.
   *
   * @param isPublished whether anybody can read the set: a secret in it is none, and is left out
   */
  constructor(
    text: ByteView,
    private readonly isPublished: bool,
  ) {
    const document = new JsonDocument();
    const isJson = document.parse(text.start, text.length);
    const keys = document.root.member("keys");
    if (!isJson) this.problem = "jwks parse error: " + document.error!;
    else if (keys.isAbsent) this.problem = "Jwks does not have [keys] field";
    else if (keys.kind != JsonKind.Array) this.problem = "[keys] in Jwks is not an array";
    else this.readKeys(keys);
  }

  /**
   * Checks a signature by each key that fits the token's `kid` and `alg`; a key without `kid` fits any.
   *
   * @param keyId absent or empty when the token has none
   */
  verify(algorithm: Algorithm, keyId: JsonNode, message: ByteView, signature: ByteView): JwtStatus {
    const keys = this.keys;
    const isNamed = !keyId.isAbsent && keyId.length > 0;
    let status = JwtStatus.NoKey;
    for (let index = 0; index < keys.length; index++) {
      const key = unchecked(keys[index]);
      const id = key.id;
      if (id !== null && isNamed && !keyId.equals(id)) continue;
      if (unchecked(this.areNamed[index]) && key.algorithm != algorithm) continue;
      const result = key.verify(algorithm, message.start, message.length, signature.start, signature.length);
      if (result == Verification.Valid) return JwtStatus.Ok;
      status = JwtStatus.BadSignature;
    }
    return status;
  }

  /** Whether a key has this `kid`. */
  has(keyId: JsonNode): bool {
    const keys = this.keys;
    for (let index = 0; index < keys.length; index++) {
      const id = unchecked(keys[index]).id;
      if (id !== null && keyId.equals(id)) return true;
    }
    return false;
  }

  private readKeys(keys: JsonNode): void {
    const count = min(keys.count, MOST_KEYS);
    if (keys.count > count) this.remarks.push("jwks keys from index " + count.toString() + " on are left out");
    if (count > 0) {
      let jwk = keys.first;
      for (let index = 0; index < count; index++) {
        this.readKey(jwk, "jwks key at index " + index.toString());
        jwk = jwk.next;
      }
    }
    if (this.keys.length == 0) this.problem = "Jwks doesn't have any valid public key";
  }

  private readKey(jwk: JsonNode, place: string): void {
    const isSecret = jwk.member("kty").equals("oct");
    if (isSecret && this.isPublished) {
      this.remarks.push(place + " is left out: a secret that is published is none");
      return;
    }
    if (!isSecret && !jwk.member("d").isAbsent) {
      this.remarks.push(place + " contains private key material; only public keys are used for verification");
    }
    const result = importJwk(jwk);
    const key = result.key;
    if (key === null) {
      this.remarks.push(place + " is left out: " + result.error!);
      return;
    }
    this.keys.push(key);
    this.areNamed.push(!jwk.member("alg").isAbsent);
  }
}
