import {
  Algorithm,
  ByteView,
  ConfigReader,
  importJwk,
  JsonDocument,
  JsonKind,
  JsonNode,
  Verification,
  VerificationKey,
} from "@attache/sdk";
import { JwtStatus } from "./jwt-status";

/** The keys of an issuer: a JSON Web Key Set (RFC 7517). */
@final
export class Jwks {
  private readonly keys: VerificationKey[] = [];
  /** Whether a key names its algorithm, for each of {@link keys}. */
  private readonly areNamed: bool[] = [];

  /** Reads the text of a set. A key that cannot be used is left out with a warning; a set without any is a problem. */
  constructor(config: ConfigReader) {
    if (config.isPresent) this.read(config);
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

  private read(config: ConfigReader): void {
    const text = ByteView.ofText(config.asString());
    const document = new JsonDocument();
    if (!document.parse(text.start, text.length)) {
      config.error("jwks parse error: " + document.error!);
      return;
    }
    const keys = document.root.member("keys");
    if (keys.isAbsent) config.error("Jwks does not have [keys] field");
    else if (keys.kind != JsonKind.Array) config.error("[keys] in Jwks is not an array");
    else this.readKeys(config, keys);
  }

  private readKeys(config: ConfigReader, keys: JsonNode): void {
    if (keys.count == 0) {
      config.error("Jwks doesn't have any valid public key");
      return;
    }
    let jwk = keys.first;
    for (let index = 0; index < keys.count; index++) {
      const place = "jwks key at index " + index.toString();
      const isPrivate = !jwk.member("kty").equals("oct") && !jwk.member("d").isAbsent;
      if (isPrivate) config.warn(place + " contains private key material; only public keys are used for verification");
      const result = importJwk(jwk);
      const key = result.key;
      if (key !== null) {
        this.keys.push(key);
        this.areNamed.push(!jwk.member("alg").isAbsent);
      } else {
        config.warn(place + " is left out: " + result.error!);
      }
      jwk = jwk.next;
    }
    if (this.keys.length == 0) config.error("Jwks doesn't have any valid public key");
  }
}
