import { decodeBase64Url } from "../encoding/base64";
import { JsonKind, JsonNode } from "../json";
import { takeScratch } from "../memory/arena";
import { Algorithm, algorithmNamed } from "./algorithm";
import { Curve } from "./curve";
import { p256, p384, p521 } from "./curves";
import { EcKey } from "./ec-key";
import { EdKey } from "./ed-key";
import { rsaKeyInfo } from "./public-key-info";
import { RsaKey } from "./rsa-key";
import { RsaPublicKey } from "./rsa-public-key";
import { SecretKey } from "./secret-key";
import { VerificationKey } from "./verification-key";

/** What reading a JSON Web Key gives: a key, or what is wrong with it. */
@final
export class JwkResult {
  constructor(
    readonly key: VerificationKey | null,
    /** `null` with a key; otherwise like `"x" must be base64url without padding`. */
    readonly error: string | null,
  ) {}
}

/**
 * Reads a JSON Web Key (RFC 7517) that checks signatures: RSA of 2048 to 8192 bits, EC on P-256, P-384 and P-521, OKP on
 * Ed25519, and secrets (`oct`) of at least 32 bytes.
 *
 * What the key says of itself binds it: `use` must be `sig`, `key_ops` must have `verify`, and `alg` must be an algorithm
 * of its kind, and is then the only one. The members of a private key are not read.
 *
 * Use the reader of one kind ({@link importRsaKey} …) where no other is expected: a filter holds the code of what it uses.
 * Allowed everywhere. Cost: allocates; a few ms at most. Not for keys that a request brings along.
 */
export function importJwk(jwk: JsonNode): JwkResult {
  const type = jwk.member("kty");
  if (type.equals("RSA")) return importRsaKey(jwk);
  if (type.equals("EC")) return importEcKey(jwk);
  if (type.equals("OKP")) return importEdKey(jwk);
  if (type.equals("oct")) return importSecretKey(jwk);
  return failure('"kty" must be "RSA", "EC", "OKP" or "oct"');
}

/** As {@link importJwk}, for RSA alone. */
export function importRsaKey(jwk: JsonNode): JwkResult {
  const problem = findProblem(jwk, "RSA", Algorithm.RS256, Algorithm.PS512);
  if (problem !== null) return failure(problem);
  const modulus = jwk.member("n");
  const exponent = jwk.member("e");
  const modulusBytes = decode(modulus);
  if (modulusBytes == 0) return failure(notBase64("n"));
  const modulusSize = decodedSize;
  const exponentBytes = decode(exponent);
  if (exponentBytes == 0) return failure(notBase64("e"));
  const key = RsaPublicKey.of(modulusBytes, modulusSize, exponentBytes, decodedSize);
  if (key === null)
    return failure(
      '"n" must be an odd number of 2048 to 8192 bits, "e" an odd one from 3 on of up to 33 bits (17 if "n" has more than 4096)',
    );
  const info = rsaKeyInfo(modulusBytes, modulusSize, exponentBytes, decodedSize);
  return success(new RsaKey(idOf(jwk), algorithmOf(jwk), key, info));
}

/** As {@link importJwk}, for EC alone. */
export function importEcKey(jwk: JsonNode): JwkResult {
  const name = jwk.member("crv");
  let algorithm = Algorithm.Unknown;
  if (name.equals("P-256")) algorithm = Algorithm.ES256;
  else if (name.equals("P-384")) algorithm = Algorithm.ES384;
  else if (name.equals("P-521")) algorithm = Algorithm.ES512;
  else return failure('"crv" must be "P-256", "P-384" or "P-521"');
  const problem = findProblem(jwk, "EC", algorithm, algorithm);
  if (problem !== null) return failure(problem);
  const x = decode(jwk.member("x"));
  if (x == 0) return failure(notBase64("x"));
  const xSize = decodedSize;
  const y = decode(jwk.member("y"));
  if (y == 0) return failure(notBase64("y"));
  const curve: Curve = algorithm == Algorithm.ES256 ? p256() : algorithm == Algorithm.ES384 ? p384() : p521();
  if (xSize != curve.size || decodedSize != curve.size)
    return failure('"x" and "y" must be as long as the curve has it');
  const key = EcKey.of(idOf(jwk), algorithm, curve, x, y);
  return key === null ? failure('"x" and "y" are no point of the curve') : success(key);
}

/** As {@link importJwk}, for Ed25519 alone (RFC 8037). */
export function importEdKey(jwk: JsonNode): JwkResult {
  if (!jwk.member("crv").equals("Ed25519")) return failure('"crv" must be "Ed25519"');
  const problem = findProblem(jwk, "OKP", Algorithm.EdDSA, Algorithm.EdDSA);
  if (problem !== null) return failure(problem);
  const x = decode(jwk.member("x"));
  if (x == 0) return failure(notBase64("x"));
  if (decodedSize != 32) return failure('"x" must be 32 bytes');
  const key = EdKey.of(idOf(jwk), x);
  return key === null ? failure('"x" is no point of the curve') : success(key);
}

/** As {@link importJwk}, for secrets alone. */
export function importSecretKey(jwk: JsonNode): JwkResult {
  const problem = findProblem(jwk, "oct", Algorithm.HS256, Algorithm.HS512);
  if (problem !== null) return failure(problem);
  const secret = decode(jwk.member("k"));
  if (secret == 0) return failure(notBase64("k"));
  const algorithm = algorithmOf(jwk);
  const least: usize = algorithm == Algorithm.HS512 ? 64 : algorithm == Algorithm.HS384 ? 48 : 32;
  if (decodedSize < least) return failure('"k" must be as long as the digest, or longer (RFC 7518 section 3.2)');
  return success(new SecretKey(idOf(jwk), algorithm, secret, decodedSize));
}

/** What is wrong with the members that all keys have, or `null`. */
function findProblem(jwk: JsonNode, type: string, first: Algorithm, last: Algorithm): string | null {
  if (!jwk.member("kty").equals(type)) return '"kty" must be "' + type + '"';
  const use = jwk.member("use");
  if (!use.isAbsent && !use.equals("sig")) return '"use" must be "sig"';
  const operations = jwk.member("key_ops");
  if (!operations.isAbsent) {
    let isFound = false;
    for (let index = 0; index < min(operations.count, MOST_OPERATIONS); index++) {
      if (operations.element(index).equals("verify")) isFound = true;
    }
    if (!isFound) return '"key_ops" must have "verify"';
  }
  const id = jwk.member("kid");
  if (!id.isAbsent && id.kind != JsonKind.String) return '"kid" must be a string';
  const algorithm = jwk.member("alg");
  if (algorithm.isAbsent) return null;
  const value = algorithmOf(jwk);
  return value >= first && value <= last ? null : '"alg" must be a signature algorithm for this kind of key';
}

/** There are eight (RFC 7517 §4.3). */
const MOST_OPERATIONS: i32 = 16;

function algorithmOf(jwk: JsonNode): Algorithm {
  const name = jwk.member("alg");
  return name.kind == JsonKind.String ? algorithmNamed(name.start, name.length) : Algorithm.Unknown;
}

function idOf(jwk: JsonNode): string | null {
  const id = jwk.member("kid");
  return id.isAbsent ? null : id.text;
}

/** Bytes that the last {@link decode} wrote. */
let decodedSize: usize = 0;

/** The bytes of a base64url string, in scratch memory; 0 for anything else, also for nothing. */
function decode(node: JsonNode): usize {
  if (node.kind != JsonKind.String || node.length > MOST_CHARACTERS) return 0;
  const bytes = takeScratch(node.length);
  const size = decodeBase64Url(node.start, node.length, bytes);
  if (size <= 0) return 0;
  decodedSize = size;
  return bytes;
}

/** More than the longest modulus and any sensible secret need. */
const MOST_CHARACTERS: i32 = 8192;

function notBase64(name: string): string {
  return '"' + name + '" must be base64url without padding, and not empty';
}

function success(key: VerificationKey): JwkResult {
  return new JwkResult(key, null);
}

function failure(error: string): JwkResult {
  return new JwkResult(null, error);
}
