import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { readProtobuf, writeProtobuf } from "./protobuf.ts";
import { Status } from "./status.ts";

/** Envoy's foreign functions for signatures: RSA (PKCS #1 v1.5) and ECDSA (ASN.1 DER). */

const hashes: ReadonlySet<string> = new Set(["sha1", "sha224", "sha256", "sha384", "sha512"]);

export function verifySignature(args: Uint8Array): Status | Uint8Array {
  const fields = readProtobuf(args);
  if (fields === null) return Status.BadArgument;
  const [hash, der, signature, data, pem] = [1, 2, 3, 4, 5].map((field) => fields.text(field));
  if ((der === "") === (pem === "")) return Status.BadArgument;
  const error = verificationError(hash!, keyOf(createPublicKey, der!, pem!, "spki"), bytes(signature!), bytes(data!));
  return error === null ? writeProtobuf([[1, 1]]) : writeProtobuf([[2, error]]);
}

export function signData(args: Uint8Array): Status | Uint8Array {
  const fields = readProtobuf(args);
  if (fields === null) return Status.BadArgument;
  const [hash, der, data, pem] = [1, 2, 3, 4].map((field) => fields.text(field));
  if ((der === "") === (pem === "")) return Status.BadArgument;
  const fail = (error: string) => writeProtobuf([[3, error]]);
  if (!hashes.has(hash!.toLowerCase())) return fail(`${hash} is not supported.`);
  const key = keyOf(createPrivateKey, der!, pem!, "pkcs8");
  if (key === null) return fail("Invalid key type: private key required for signing operation.");
  if (!takesHash(key)) return fail("Invalid private key: key data is corrupted or malformed.");
  return writeProtobuf([
    [1, 1],
    [2, sign(hash!, bytes(data!), key).toString("latin1")],
  ]);
}

function verificationError(hash: string, key: KeyObject | null, signature: Buffer, data: Buffer): string | null {
  if (!hashes.has(hash.toLowerCase())) return `${hash} is not supported.`;
  if (key === null || !takesHash(key)) return "Failed to initialize digest verify.";
  return verify(hash, data, key, signature) ? null : "Failed to verify digest. Error code: 0";
}

/** Ed25519 and its like bring their own. */
function takesHash(key: KeyObject): boolean {
  return key.asymmetricKeyType === "rsa" || key.asymmetricKeyType === "ec";
}

/** `null` when it is no such key. Keys in DER must be of `type`. */
function keyOf(
  parse: (input: { key: Buffer; format: "der" | "pem"; type: "spki" & "pkcs8" }) => KeyObject,
  der: string,
  pem: string,
  type: "spki" | "pkcs8",
): KeyObject | null {
  try {
    return parse({ key: bytes(der || pem), format: der === "" ? "pem" : "der", type: type as "spki" & "pkcs8" });
  } catch {
    return null;
  }
}

function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}
