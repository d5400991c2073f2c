import {
  constants,
  createHash,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifySignature } from "../../harness/abi/signatures.ts";
import { random, TestModule } from "../json/test-module.ts";
import { fuzzInputs, fuzzTimeout } from "../../test/fuzz-inputs.ts";

/** A module for a proxy that verifies no signatures, and one for a proxy that does. */
let alone: TestModule;
let helped: TestModule;
/** The one that is tested. */
let module: TestModule;
let helpedChecks = 0;
beforeAll(async () => {
  alone = await TestModule.compile(import.meta.url, undefined, [], { proxy_call_foreign_function: () => 1 });
  helped = await TestModule.compile(import.meta.url, undefined, [], { proxy_call_foreign_function: verifyByProxy });
  module = alone;
}, 60_000);

function verifyByProxy(...[, , start, size, startOut, sizeOut]: number[]): number {
  const { memory } = helped.exports;
  const answer = verifySignature(new Uint8Array(memory.buffer, start, size).slice());
  if (typeof answer === "number") return answer;
  helpedChecks += 1;
  const result = (helped.exports["allocate"] as (size: number) => number)(answer.length);
  new Uint8Array(memory.buffer).set(answer, result);
  const view = new DataView(memory.buffer);
  view.setUint32(startOut!, result, true);
  view.setUint32(sizeOut!, answer.length, true);
  return 0;
}

/** In the order of `Algorithm`. */
const algorithms = ["Unknown", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].concat([
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
]);
type Jwk = Record<string, unknown>;
const results = ["valid", "invalid", "wrong algorithm"];

const output = (size: number) =>
  Buffer.from(
    new Uint8Array(module.exports.memory.buffer, (module.exports["outputStart"] as () => number)(), size).slice(),
  );
const setKey = (jwk: Jwk | string) => module.text("setKey", typeof jwk === "string" ? jwk : JSON.stringify(jwk));

function verify(algorithm: string, message: Uint8Array | string, signature: Uint8Array): string {
  const bytes = Buffer.concat([Buffer.from(message), signature]);
  return results[module.call("verify", bytes, signature.length, algorithms.indexOf(algorithm))]!;
}

const hashes = ["sha1", "sha256", "sha384", "sha512"];

describe("hashes", () => {
  it.each(hashes)("%s is Node's, for every size up to five blocks, whole and in pieces", (name) => {
    const data = randomBytes(700);
    for (let size = 0; size <= data.length; size += size < 300 ? 1 : 7) {
      const bytes = data.subarray(0, size);
      const expected = createHash(name).update(bytes).digest();
      for (const piece of [0, 1 + (size % 13), 64, 128]) {
        expect(output(module.call("hash", bytes, hashes.indexOf(name), piece))).toEqual(expected);
      }
    }
  });

  it.each(hashes)("HMAC with %s is Node's, for keys of any size", (name) => {
    const data = randomBytes(300);
    for (let size = 0; size < 300; size += 7) {
      module.call("setHmacKey", data.subarray(0, size), hashes.indexOf(name));
      for (let repeated = 0; repeated < 2; repeated++) {
        const message = data.subarray(size / 2);
        const expected = createHmac(name, data.subarray(0, size)).update(message).digest();
        expect(output(module.call("hmacOf", message))).toEqual(expected);
        expect(module.call("hmacVerify", Buffer.concat([message, expected]), expected.length)).toBe(1);
        expect(module.call("hmacVerify", Buffer.concat([message, expected]), expected.length - 1)).toBe(0);
        expected[size % expected.length]! ^= 1;
        expect(module.call("hmacVerify", Buffer.concat([message, expected]), expected.length)).toBe(0);
      }
    }
  });
});

it("hashes and signs by views as by addresses", () => {
  for (const size of [0, 32, 100]) {
    const key = randomBytes(size);
    const message = randomBytes(150);
    const digest = createHash("sha256").update(message).digest("hex");
    const code = createHmac("sha256", key).update(message).digest("hex");
    expect(module.text("byViews", Buffer.concat([key, message]), size)).toBe(`${digest} ${code} true false`);
  }
});

/** A key pair and how Node signs with it. */
interface Signer {
  algorithm: string;
  jwk: Jwk;
  sign: (message: Buffer) => Buffer;
}

function signer(algorithm: string, modulusLength = 2048, publicExponent = 65537): Signer {
  const hash = `sha${algorithm.slice(2)}`;
  if (algorithm.startsWith("HS")) {
    const secret = randomBytes(64);
    return {
      algorithm,
      jwk: { kty: "oct", k: secret.toString("base64url") },
      sign: (message) => createHmac(hash, secret).update(message).digest(),
    };
  }
  let pair: { publicKey: KeyObject; privateKey: KeyObject };
  if (algorithm === "EdDSA") pair = generateKeyPairSync("ed25519");
  else if (algorithm.startsWith("ES")) {
    const namedCurve = { ES256: "P-256", ES384: "P-384", ES512: "P-521" }[algorithm]!;
    pair = generateKeyPairSync("ec", { namedCurve });
  } else pair = generateKeyPairSync("rsa", { modulusLength, publicExponent });
  const { publicKey, privateKey: key } = pair;
  const isPss = algorithm.startsWith("PS");
  return {
    algorithm,
    jwk: publicKey.export({ format: "jwk" }) as Jwk,
    sign: (message) => {
      if (algorithm === "EdDSA") return sign(null, message, key);
      if (algorithm.startsWith("ES")) return sign(hash, message, { key, dsaEncoding: "ieee-p1363" });
      const padding = isPss ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
      return sign(hash, message, { key, padding, ...(isPss && { saltLength: constants.RSA_PSS_SALTLEN_DIGEST }) });
    },
  };
}

it("reads the names of algorithms", () => {
  for (const [index, name] of algorithms.entries()) expect(module.call("algorithm", name)).toBe(index);
  for (const name of ["", "none", "hs256", "HS255", "HS2560", "ES256K", "EdDSB", "XS256", "PS25", "RS38\0"]) {
    expect(module.call("algorithm", name)).toBe(0);
  }
});

describe("ECDSA signatures in DER", () => {
  const fromDer = (der: Uint8Array, half: number) => {
    const size = module.call("fromDer", der, half);
    return size < 0 ? null : output(size);
  };

  it.each([
    ["P-256", 32],
    ["P-384", 48],
    ["P-521", 66],
  ])("are read and written as Node does on %s", (namedCurve, half) => {
    const { privateKey: key } = generateKeyPairSync("ec", { namedCurve });
    for (let round = 0; round < 300; round++) {
      const der = sign("sha256", Buffer.from([round]), { key, dsaEncoding: "der" });
      const raw = fromDer(der, half)!;
      expect(raw).toHaveLength(2 * half);
      expect(output(module.call("toDer", raw))).toEqual(der);
    }
  });

  it.each([
    ["3006020101020102", "01", "02"],
    ["3006020100020100", "00", "00"],
    ["300702020080020101", "80", "01"],
    ["300602017f020101", "7f", "01"],
  ])("reads %s", (der, r, s) => {
    expect(fromDer(Buffer.from(der, "hex"), 2)).toEqual(Buffer.from(`00${r}00${s}`, "hex"));
  });

  it.each([
    ["nothing", ""],
    ["another type", "3106020101020102"],
    ["a byte behind", "300602010102010200"],
    ["a byte missing", "30060201010201"],
    ["a byte behind inside", "30070201010201020 0".replace(" ", "")],
    ["one number", "3003020101"],
    ["three numbers", "3009020101020102020103"],
    ["a length in two bytes without need", "308106020101020102"],
    ["a length without end", "3080020101020102"],
    ["a negative number", "3006020181020102"],
    ["a padded number", "300702020001020102"],
    ["an empty number", "30050200020102"],
    ["a number that is too long", "30080203010203020102"],
    ["a number beyond the end", "3006020101020202"],
    ["another type of number", "3006030101020102"],
  ])("refuses %s", (_name, der) => {
    expect(fromDer(Buffer.from(der, "hex"), 2)).toBe(null);
  });

  it("never traps and has one form only: whatever is read is written the same", () => {
    const next = random(53);
    const bytes = [0x30, 0x02, 0x02, 0x00, 0x01, 0x7f, 0x80, 0x81, 0x06, 0x07, 0x08, 0x03, 0x04];
    let accepted = 0;
    for (let round = 0; round < fuzzInputs(200_000); round++) {
      const der = Buffer.from([
        0x30,
        next(10),
        0x02,
        ...Array.from({ length: next(9) }, () => bytes[next(bytes.length)]!),
      ]);
      if (next(2)) der[1] = der.length - 2;
      const raw = fromDer(der, 3);
      if (raw === null) continue;
      accepted += 1;
      expect(output(module.call("toDer", raw))).toEqual(der);
    }
    expect(accepted).toBeGreaterThan(100);
  });
});

interface VectorTest {
  tcId: number;
  comment: string;
  key?: string;
  msg: string;
  sig?: string;
  tag?: string;
  result: "valid" | "invalid" | "acceptable";
}
interface VectorGroup {
  tests: VectorTest[];
  publicKeyJwk?: Jwk;
  keyJwk?: Jwk;
  publicKeyPem?: string;
  tagSize?: number;
}

const vectors = process.env["ATTACHE_VECTORS"];

describe.each(["by the filter itself", "by the proxy"])("signatures checked %s:", (by) => {
  beforeAll(() => {
    module = by === "by the proxy" ? helped : alone;
  });
  afterAll(() => {
    module = alone;
  });

  describe("the examples of the specifications", () => {
    const claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    it.each([
      [
        "RFC 7515 A.1",
        "HS256",
        {
          kty: "oct",
          k: "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        },
        `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${claims}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`,
      ],
      [
        "RFC 7515 A.2",
        "RS256",
        {
          kty: "RSA",
          n:
            "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2" +
            "lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTB" +
            "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kz" +
            "k2PAcDTW9gb54h4FRWyuXpoQ",
          e: "AQAB",
        },
        `eyJhbGciOiJSUzI1NiJ9.${claims}.` +
          "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU" +
          "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_d" +
          "O--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig" +
          "cN_IoypGlUPQGe77Rw",
      ],
      [
        "RFC 7515 A.3",
        "ES256",
        {
          kty: "EC",
          crv: "P-256",
          x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
          y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        },
        `eyJhbGciOiJFUzI1NiJ9.${claims}.` +
          "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
      ],
      [
        "RFC 7515 A.4",
        "ES512",
        {
          kty: "EC",
          crv: "P-521",
          x: "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
          y: "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
        },
        "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO" +
          "0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
      ],
      [
        "RFC 8037 A.4",
        "EdDSA",
        { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4" +
          "iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
      ],
    ])("%s (%s)", (_example, algorithm, jwk, token) => {
      const end = token.lastIndexOf(".");
      const message = token.slice(0, end);
      const signature = Buffer.from(token.slice(end + 1), "base64url");
      expect(setKey(jwk)).toBe(null);
      expect(verify(algorithm, message, signature)).toBe("valid");
      expect(verify(algorithm, `${message} `, signature)).toBe("invalid");
      for (const at of [0, signature.length - 1]) {
        const changed = Buffer.from(signature);
        changed[at]! ^= 1;
        expect(verify(algorithm, message, changed)).toBe("invalid");
      }
    });
  });

  describe("keys", () => {
    let signers: Signer[];
    beforeAll(() => {
      signers = algorithms.slice(1).map((algorithm) => signer(algorithm));
    });

    it.each(algorithms.slice(1))("%s: accepts what Node signs, and nothing with one bit changed", (algorithm) => {
      const { jwk, sign } = signers[algorithms.indexOf(algorithm) - 1]!;
      const next = random(algorithms.indexOf(algorithm));
      expect(setKey(jwk)).toBe(null);
      for (let round = 0; round < 40; round++) {
        const message = Buffer.from(Array.from({ length: next(300) }, () => next(256)));
        const signature = sign(message);
        expect(verify(algorithm, message, signature)).toBe("valid");
        signature[next(signature.length)]! ^= 1 << next(8);
        expect(verify(algorithm, message, signature)).toBe("invalid");
      }
    });

    it.each([
      ["RS256", 2049, 65537],
      ["PS256", 2049, 65537],
      ["PS384", 2055, 3],
      ["RS512", 3072, 17],
      ["PS512", 4097, 65537],
    ])("%s: accepts what Node signs with %i bits and the exponent %i", (algorithm, bits, exponent) => {
      const { jwk, sign } = signer(algorithm, bits, exponent);
      expect(setKey(jwk)).toBe(null);
      for (let round = 0; round < 5; round++) {
        const message = randomBytes(round * 50);
        const signature = sign(message);
        expect(verify(algorithm, message, signature)).toBe("valid");
        signature[round]! ^= 1;
        expect(verify(algorithm, message, signature)).toBe("invalid");
      }
    });

    it("are good for their own algorithms alone, whatever is asked", () => {
      const kinds: Record<string, RegExp> = { oct: /^HS/, RSA: /^[RP]S/, OKP: /^EdDSA$/ };
      for (const { algorithm: own, jwk, sign } of signers) {
        const message = Buffer.from("message");
        const signature = sign(message);
        for (const named of [false, true]) {
          expect(setKey(named ? { ...jwk, alg: own } : jwk)).toBe(null);
          for (const algorithm of algorithms) {
            const kind = jwk["kty"] === "EC" || named ? new RegExp(`^${own}$`) : kinds[jwk["kty"] as string]!;
            const accepted = kind.test(algorithm);
            expect(module.call("accepts", "", 0), own).toBe(0);
            const result = verify(algorithm, message, signature);
            const expected = !accepted ? "wrong algorithm" : algorithm === own ? "valid" : "invalid";
            expect(result, `${own} as ${algorithm}`).toBe(expected);
          }
        }
      }
    });

    it("does not take a public key as a secret: what an HMAC with its text signs is refused", () => {
      const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
      const pem = pair.publicKey.export({ format: "pem", type: "spki" });
      expect(setKey(pair.publicKey.export({ format: "jwk" }) as Jwk)).toBe(null);
      const forged = createHmac("sha256", pem).update("message").digest();
      expect(verify("HS256", "message", forged)).toBe("wrong algorithm");
      expect(verify("RS256", "message", forged)).toBe("invalid");
    });

    it("refuses a secret shorter than the digest", () => {
      const jwk = { kty: "oct", k: randomBytes(32).toString("base64url") };
      expect(setKey(jwk)).toBe(null);
      expect(verify("HS384", "", Buffer.alloc(48))).toBe("wrong algorithm");
      expect(setKey({ ...jwk, alg: "HS384" })).toMatch(/"k" must be as long as the digest/);
      expect(setKey({ kty: "oct", k: randomBytes(31).toString("base64url") })).toMatch(/"k" must be as long/);
    });

    it("refuses signatures of any other length", () => {
      for (const { algorithm, jwk, sign } of signers) {
        expect(setKey(jwk)).toBe(null);
        const signature = sign(Buffer.from("message"));
        for (const changed of [
          ...[Buffer.alloc(0), signature.subarray(1), signature.subarray(0, -1), signature.subarray(0, 1)],
          ...[Buffer.concat([signature, Buffer.alloc(1)]), Buffer.concat([Buffer.alloc(1), signature])],
        ]) {
          expect(verify(algorithm, "message", changed), algorithm).toBe("invalid");
        }
      }
    });

    it("refuses 0 and numbers from the order on in ECDSA signatures, and S from the order on in Ed25519", () => {
      const orders: Record<string, bigint> = {
        ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
        EdDSA: 2n ** 252n + 27742317777372353535851937790883648493n,
      };
      const number = (value: bigint) => Buffer.from(value.toString(16).padStart(64, "0"), "hex");
      for (const { algorithm, jwk, sign } of signers.filter(({ algorithm }) => algorithm in orders)) {
        const order = orders[algorithm]!;
        expect(setKey(jwk)).toBe(null);
        const signature = sign(Buffer.from("message"));
        const [first, second] = [signature.subarray(0, 32), signature.subarray(32)];
        if (algorithm === "EdDSA") {
          const s = BigInt(`0x${Buffer.from(second).reverse().toString("hex")}`);
          expect(verify(algorithm, "message", Buffer.concat([first, number(s + order).reverse()]))).toBe("invalid");
          continue;
        }
        const zero = Buffer.alloc(32);
        for (const pair of [
          ...[
            [zero, second],
            [first, zero],
            [zero, zero],
            [number(order), second],
            [first, number(order)],
          ],
          ...[
            [number(order), number(order)],
            [Buffer.alloc(32, 0xff), Buffer.alloc(32, 0xff)],
            [number(1n), number(1n)],
          ],
        ]) {
          expect(verify(algorithm, "message", Buffer.concat(pair))).toBe("invalid");
        }
      }
    });

    describe("import", () => {
      const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" }) as Jwk;
      const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" }) as Jwk;
      const ed = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }) as Jwk;
      const oct = { kty: "oct", k: randomBytes(64).toString("base64url") };
      const bytes = (value: unknown) => Buffer.from(value as string, "base64url");
      const evenModulus = bytes(rsa["n"]);
      evenModulus[255]! ^= 1;

      it.each([p256, rsa, ed, oct])("reads $kty with what a key may say of itself", (jwk) => {
        expect(setKey({ ...jwk, kid: "the key", use: "sig", key_ops: ["sign", "verify"], x5c: [], other: 1 })).toBe(
          null,
        );
        expect(module.text("keyId", "")).toBe("the key");
        expect(setKey({ ...jwk, kid: "" })).toBe(null);
        expect(module.text("keyId", "")).toBe("");
        expect(setKey(jwk)).toBe(null);
        expect(module.text("keyId", "")).toBe(null);
      });

      it.each<[string, Jwk | string, RegExp]>([
        ["no kind", {}, /"kty" must be "RSA", "EC", "OKP" or "oct"/],
        ["a number as kind", { kty: 1 }, /"kty"/],
        ["another kind", { ...ed, kty: "EC2" }, /"kty"/],
        ["no object", "[]", /"kty"/],
        ["use for encryption", { ...rsa, use: "enc" }, /"use" must be "sig"/],
        ["use that is no string", { ...rsa, use: null }, /"use" must be "sig"/],
        ["no verify in key_ops", { ...rsa, key_ops: ["sign"] }, /"key_ops" must have "verify"/],
        ["empty key_ops", { ...rsa, key_ops: [] }, /"key_ops" must have "verify"/],
        ["key_ops that are a string", { ...rsa, key_ops: "verify" }, /"key_ops" must have "verify"/],
        ["kid that is no string", { ...rsa, kid: 1 }, /"kid" must be a string/],
        ["alg of another kind", { ...rsa, alg: "HS256" }, /"alg" must be a signature algorithm for this kind of key/],
        ["alg none", { ...oct, alg: "none" }, /"alg"/],
        ["alg in lower case", { ...oct, alg: "hs256" }, /"alg"/],
        ["alg of encryption", { ...rsa, alg: "RSA-OAEP" }, /"alg"/],
        ["alg of another curve", { ...p256, alg: "ES384" }, /"alg"/],
        ["alg that is no string", { ...rsa, alg: 256 }, /"alg"/],
        ["no n", { ...rsa, n: undefined }, /"n" must be base64url/],
        ["n with padding", { ...rsa, n: `${rsa["n"] as string}==` }, /"n" must be base64url/],
        ["n in base64", { ...rsa, n: "+/+/" }, /"n" must be base64url/],
        ["empty n", { ...rsa, n: "" }, /"n" must be base64url/],
        ["n of 2047 bits", { ...rsa, n: Buffer.alloc(256, 0x7f).toString("base64url") }, /"n" must be an odd number/],
        ["n of 8200 bits", { ...rsa, n: Buffer.alloc(1025, 0xff).toString("base64url") }, /"n" must be an odd number/],
        ["n of zeros", { ...rsa, n: Buffer.alloc(256).toString("base64url") }, /"n" must be an odd number/],
        ["even n", { ...rsa, n: evenModulus.toString("base64url") }, /"n" must be an odd number/],
        ["an n that is far too long", { ...rsa, n: "A".repeat(100_000) }, /"n" must be base64url/],
        ["e of 1", { ...rsa, e: "AQ" }, /"e" an odd one from 3 on of up to 33 bits/],
        ["e of 0", { ...rsa, e: "AA" }, /"e" an odd one/],
        ["even e", { ...rsa, e: "AQAA" }, /"e" an odd one/],
        ["e of 34 bits", { ...rsa, e: "AgAAAAE" }, /"e" an odd one/],
        [
          "e of 18 bits with an n of 4104 bits",
          { ...rsa, n: Buffer.alloc(513, 0xff).toString("base64url"), e: "AgAB" },
          /"e" an odd one.*17 if "n" has more than 4096/,
        ],
        ["e of many bytes", { ...rsa, e: Buffer.alloc(200, 0xff).toString("base64url") }, /"e" an odd one/],
        ["another curve", { ...p256, crv: "secp256k1" }, /"crv" must be "P-256", "P-384" or "P-521"/],
        ["no curve", { ...p256, crv: undefined }, /"crv"/],
        ["the name of another curve", { ...p256, crv: "P-384" }, /"x" and "y" must be as long as the curve has it/],
        ["a short x", { ...p256, x: bytes(p256["x"]).subarray(1).toString("base64url") }, /must be as long/],
        ["a long y", { ...p256, y: `AAAA${p256["y"] as string}` }, /must be as long/],
        ["no y", { ...p256, y: undefined }, /"y" must be base64url/],
        ["x and y swapped", { ...p256, x: p256["y"], y: p256["x"] }, /no point of the curve/],
        ["the point at infinity", { ...p256, x: "A".repeat(43), y: "A".repeat(43) }, /no point of the curve/],
        ["coordinates above p", { ...p256, x: Buffer.alloc(32, 0xff).toString("base64url") }, /no point of the curve/],
        ["Ed448", { ...ed, crv: "Ed448" }, /"crv" must be "Ed25519"/],
        ["X25519", { ...ed, crv: "X25519" }, /"crv" must be "Ed25519"/],
        ["a short Ed25519 key", { ...ed, x: "AAAA" }, /"x" must be 32 bytes/],
        ["an Ed25519 key above p", { ...ed, x: Buffer.alloc(32, 0xff).toString("base64url") }, /no point of the curve/],
        ["no secret", { kty: "oct" }, /"k" must be base64url/],
      ])("refuses %s", (_name, jwk, error) => {
        expect(setKey(jwk)).toMatch(error);
      });

      it("reads an e of 33 bits with an n of 4096 bits, and of 17 with one of 8192", () => {
        for (const [size, e] of [
          [512, "AQAAAAE"],
          [1024, "AQAB"],
        ] as const) {
          expect(setKey({ ...rsa, n: Buffer.alloc(size, 0xff).toString("base64url"), e })).toBe(null);
        }
      });

      it("reads zeros in front of the modulus as nothing", () => {
        const n = Buffer.concat([Buffer.alloc(3), bytes(rsa["n"])]).toString("base64url");
        expect(setKey({ ...rsa, n })).toBe(null);
        expect(
          setKey({ ...rsa, n: Buffer.concat([Buffer.alloc(9), Buffer.alloc(250, 0xff)]).toString("base64url") }),
        ).toMatch(/"n" must be an odd number/);
      });

      it(
        "answers to any change of a key within bounded memory, and never traps",
        () => {
          const next = random(51);
          const jwks = [p256, rsa, ed, oct].map((jwk) =>
            JSON.stringify({ ...jwk, kid: "a", use: "sig", key_ops: ["verify"] }),
          );
          const pieces = ['"', "{", "}", "[", "]", ":", ",", "null", "A", "=", "\\", "kty", "\xff", "9"];
          let accepted = 0;
          let pages = 0;
          for (let round = 0; round < fuzzInputs(20_000); round++) {
            let text = jwks[next(4)]!;
            for (let count = 1 + next(2); count > 0; count--) {
              const at = next(text.length);
              text = text.slice(0, at) + pieces[next(pieces.length)]! + text.slice(at + next(3));
            }
            if (module.text("setKey", Buffer.from(text, "latin1")) === null) accepted += 1;
            if (round === 2_000) pages = (module.exports["pages"] as () => number)();
          }
          expect(accepted).toBeGreaterThan(100);
          expect((module.exports["pages"] as () => number)()).toBe(pages);
        },
        fuzzTimeout(120_000),
      );
    });

    it("answers to 100,000 signatures at random with invalid, within bounded memory", () => {
      const next = random(52);
      // Of those that take longest, fewer.
      const rounds: Record<string, number> = { HS: 50_000, RS: 20_000, PS: 20_000, ES: 4_000, Ed: 6_000 };
      let pages = 0;
      for (const [family, count] of Object.entries(rounds)) {
        const chosen = signers.filter(({ algorithm }) => algorithm.startsWith(family));
        for (const { algorithm, jwk, sign } of chosen) {
          expect(setKey(jwk)).toBe(null);
          const message = Buffer.from("message");
          const size = sign(message).length;
          for (let round = 0; round < count / chosen.length; round++) {
            const length = next(4) === 0 ? next(600) : size;
            const signature = Buffer.from(Array.from({ length }, () => (next(3) ? next(256) : next(2) * 255)));
            if (verify(algorithm, message, signature) !== "invalid") throw new Error(signature.toString("hex"));
          }
        }
        if (family === "HS") pages = (module.exports["pages"] as () => number)();
      }
      expect((module.exports["pages"] as () => number)()).toBeLessThanOrEqual(pages + 1);
    }, 120_000);
  });

  describe.skipIf(!vectors)(
    `Wycheproof${vectors ? "" : ": ATTACHE_VECTORS does not name a folder with vectors"}`,
    () => {
      it.each([
        ["ecdsa_secp256r1_sha256_p1363", "ES256"],
        ["ecdsa_secp384r1_sha384_p1363", "ES384"],
        ["ecdsa_secp521r1_sha512_p1363", "ES512"],
        ["ed25519", "EdDSA"],
        ["rsa_signature_2048_sha256", "RS256"],
        ["rsa_signature_2048_sha384", "RS384"],
        ["rsa_signature_2048_sha512", "RS512"],
        ["rsa_signature_4096_sha512", "RS512"],
        ["rsa_pss_2048_sha256_mgf1_32", "PS256"],
        ["rsa_pss_2048_sha384_mgf1_48", "PS384"],
        ["rsa_pss_4096_sha512_mgf1_64", "PS512"],
      ])("%s", (file, algorithm) => {
        for (const group of groups(file)) {
          // The JSON Web Keys of some groups are absent or bare of leading zeros: Node makes them of the same key.
          expect(setKey(createPublicKey(group.publicKeyPem!).export({ format: "jwk" }) as Jwk), file).toBe(null);
          for (const { tcId, comment, msg, sig, result } of group.tests) {
            if (result === "acceptable") continue;
            const verified = verify(algorithm, Buffer.from(msg, "hex"), Buffer.from(sig!, "hex"));
            expect(verified, `${file} ${tcId}: ${comment}`).toBe(result);
          }
        }
      });

      it.each([
        ["hmac_sha256", "sha256"],
        ["hmac_sha384", "sha384"],
        ["hmac_sha512", "sha512"],
      ])("%s", (file, hash) => {
        for (const group of groups(file)) {
          const size = group.tagSize! / 8;
          for (const { tcId, comment, key, msg, tag, result } of group.tests) {
            module.call("setHmacKey", Buffer.from(key!, "hex"), hashes.indexOf(hash));
            const message = Buffer.from(msg, "hex");
            const code = Buffer.from(tag!, "hex");
            const isSame = output(module.call("hmacOf", message)).subarray(0, size).equals(code);
            expect(isSame, `${file} ${tcId}: ${comment}`).toBe(result === "valid");
            const isWhole = code.length === createHash(hash).digest().length;
            const verified = module.call("hmacVerify", Buffer.concat([message, code]), code.length) === 1;
            expect(verified, `${file} ${tcId}: ${comment}`).toBe(result === "valid" && isWhole);
          }
        }
      });

      function groups(file: string): VectorGroup[] {
        const text = readFileSync(join(vectors!, "wycheproof", `${file}_test.json`), "utf8");
        const { testGroups } = JSON.parse(text) as { testGroups: VectorGroup[] };
        expect(testGroups.flatMap(({ tests }) => tests).length).toBeGreaterThan(50);
        return testGroups;
      }
    },
  );

  it("ask the proxy for most, where there is one", () => {
    expect(helpedChecks > 1000).toBe(by === "by the proxy");
  });
});
