import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The folder of test data that is not the project's own; without it, tests of it are skipped. */
const vectors = process.env["ATTACHE_VECTORS"];
export const hasVectors = vectors !== undefined && vectors !== "";

/** One signature of the Wycheproof vectors. */
export interface SignatureVector {
  place: string;
  jwk: object;
  message: Buffer;
  signature: Buffer;
  isValid: boolean;
}

interface Group {
  publicKeyPem?: string;
  tests: { tcId: number; msg: string; sig?: string; tag?: string; key?: string; result: string }[];
}

/** All but what libraries may see either way, and what headers cannot hold. Vectors of one key share its JWK. */
export function readVectors(file: string): SignatureVector[] {
  const { testGroups } = JSON.parse(readFileSync(join(vectors!, "wycheproof", `${file}_test.json`), "utf8")) as {
    testGroups: Group[];
  };
  const keys = new Map<string, object>();
  const keyOf = (text: string, make: () => object) => {
    if (!keys.has(text)) keys.set(text, make());
    return keys.get(text)!;
  };
  return testGroups.flatMap(({ publicKeyPem, tests }) =>
    tests
      .filter(({ msg, result }) => result !== "acceptable" && msg.length < 20_000)
      .map(({ tcId, msg, sig, tag, key, result }) => ({
        place: `${file} ${tcId}`,
        jwk:
          publicKeyPem === undefined
            ? keyOf(key!, () => ({ kty: "oct", k: Buffer.from(key!, "hex").toString("base64url") }))
            : keyOf(publicKeyPem, () => createPublicKey(publicKeyPem).export({ format: "jwk" })),
        message: Buffer.from(msg, "hex"),
        signature: Buffer.from((sig ?? tag)!, "hex"),
        isValid: result === "valid",
      })),
  );
}
