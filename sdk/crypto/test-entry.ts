import { JsonDocument } from "../json";
import { resetArena, takeScratch } from "../memory/arena";
import { ByteView } from "../memory/byte-view";
import {
  add,
  FIELD_SIZE,
  fromPlain,
  invert,
  makeNumber,
  multiply,
  negate,
  rootPower,
  square,
  subtract,
  toPlain,
} from "./field-25519";
import {
  Algorithm,
  algorithmNamed,
  ecdsaFromDer,
  ecdsaToDer,
  Hash,
  Hmac,
  importJwk,
  Sha1,
  Sha256,
  Sha384,
  Sha512,
  VerificationKey,
} from "./index";

let buffer = new StaticArray<u8>(1024);
const output = new StaticArray<u8>(256);
const document = new JsonDocument();
const hashes: Hash[] = [new Sha1(), new Sha256(), new Sha384(), new Sha512()];
let key: VerificationKey | null = null;
let hmac: Hmac | null = null;

export function input(size: i32): usize {
  resetArena();
  if (buffer.length < size) buffer = new StaticArray<u8>(size * 2);
  return changetype<usize>(buffer);
}

/** For what the proxy hands over. */
export function allocate(size: i32): usize {
  return takeScratch(size);
}

export function outputStart(): usize {
  return changetype<usize>(output);
}

/** Digest of the bytes, in pieces of `piece` bytes when that is not 0; its size. */
export function hash(start: usize, length: i32, index: i32, piece: i32): i32 {
  const chosen = hashes[index];
  for (let at = 0; piece > 0 && length - at > piece; at += piece) {
    chosen.update(start, piece);
    start += piece;
    length -= piece;
    at = 0;
  }
  chosen.update(start, length).digest(changetype<usize>(output));
  return chosen.digestSize;
}

export function setHmacKey(start: usize, length: i32, index: i32): void {
  __collect();
  hmac = new Hmac(
    index == 0 ? new Sha1() : index == 1 ? new Sha256() : index == 2 ? new Sha384() : new Sha512(),
    start,
    length,
  );
}

/** The code of the bytes; its size. */
export function hmacOf(start: usize, length: i32): i32 {
  hmac!.update(start, length).digest(changetype<usize>(output));
  return hmac!.size;
}

/** The bytes are a message and behind it a code of `size` bytes. */
export function hmacVerify(start: usize, length: i32, size: i32): bool {
  return hmac!.update(start, length - size).verify(start + length - size, size);
}

/**
 * By views: the digest of what follows a key of `keySize` bytes, its code by that key, both in hexadecimal, and whether that
 * code is verified, whole and cut short.
 */
export function byViews(start: usize, length: i32, keySize: i32): string {
  resetArena();
  const key = ByteView.of(start, keySize);
  const message = ByteView.of(start + keySize, length - keySize);
  const digest = new Sha256().updateBytes(message.slice(0, 5)).updateBytes(message.slice(5)).digestBytes();
  const keyed = Hmac.of(new Sha256(), key);
  const code = keyed.updateBytes(message).digestBytes();
  const isVerified = keyed.updateBytes(message).verifyBytes(code);
  const isCutVerified = keyed.updateBytes(message).verifyBytes(code.slice(1));
  return digest.toHex() + " " + code.toHex() + " " + isVerified.toString() + " " + isCutVerified.toString();
}

/** Takes the JSON Web Key and returns what is wrong with it. */
export function setKey(start: usize, length: i32): string | null {
  __collect();
  key = null;
  if (!document.parse(start, length)) return document.error;
  const result = importJwk(document.root);
  key = result.key;
  return result.error;
}

/** The bytes are a message and behind it a signature of `size` bytes. */
export function verify(start: usize, length: i32, size: i32, algorithm: Algorithm): i32 {
  return key!.verify(algorithm, start, length - size, start + length - size, size);
}

/** Checks the same signature `count` times: for measurements. */
export function verifyOften(start: usize, length: i32, size: i32, algorithm: Algorithm, count: i32): i32 {
  let result = 0;
  for (; count > 0; count--) {
    resetArena();
    result += key!.verify(algorithm, start, length - size, start + length - size, size);
  }
  return result;
}

export function keyAlgorithm(): i32 {
  return key!.algorithm;
}

export function keyId(): string | null {
  return key!.id;
}

export function accepts(algorithm: Algorithm): bool {
  return key!.accepts(algorithm);
}

export function algorithm(start: usize, length: i32): Algorithm {
  return algorithmNamed(start, length);
}

/** Size of the raw signature, or -1. */
export function fromDer(start: usize, length: i32, half: i32): i32 {
  return ecdsaFromDer(start, length, half, changetype<usize>(output)) ? half * 2 : -1;
}

/** Size of the DER. */
export function toDer(start: usize, length: i32): i32 {
  return <i32>(ecdsaToDer(start, length >> 1, changetype<usize>(output)) - changetype<usize>(output));
}

export function pages(): i32 {
  return memory.size();
}

/**
 * Of numbers modulo 2^255 - 19, given as limbs one after the other, a and b: a + b, a - b, -a, a · b, a², 1 / a and the
 * power of a that roots are made of; 32 bytes each.
 */
export function fieldOperations(start: usize, length: i32): void {
  const a = start;
  const b = start + FIELD_SIZE;
  const result = makeNumber();
  const to = changetype<usize>(output);
  add(result, a, b);
  toPlain(to, result);
  subtract(result, a, b);
  toPlain(to + 32, result);
  negate(result, a);
  toPlain(to + 64, result);
  multiply(result, a, b);
  toPlain(to + 96, result);
  square(result, a);
  toPlain(to + 128, result);
  invert(result, a);
  toPlain(to + 160, result);
  rootPower(result, a);
  toPlain(to + 192, result);
}

/** What 32 plain bytes come to modulo 2^255 - 19. */
export function fieldFromPlain(start: usize, length: i32): void {
  const number = makeNumber();
  fromPlain(number, start);
  toPlain(changetype<usize>(output), number);
}
