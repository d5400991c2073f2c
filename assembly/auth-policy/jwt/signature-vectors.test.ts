import type { Host } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { beforeAll, describe, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../../test/compile-filter.ts";
import { hasVectors, readVectors, type SignatureVector } from "../../../test/wycheproof.ts";

const plugin = new URL("../build/plugin.wasm", import.meta.url);

/**
 * The filter's own way from a token's `alg`, `kid` and signature to an outcome, for messages that are no token: the vectors
 * sign others.
 */
const source =
  `import { algorithmNamed, decodeBase64Url, JsonDocument } from "@attache/sdk";
  import { Jwks } from "../../../../assembly/auth-policy/jwt/jwks";
  import { JwtStatus, jwtStatusText } from "../../../../assembly/auth-policy/jwt/jwt-status";` +
  filterSource(
    `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
      const header = new JsonDocument();
      const text = headers.getBytes("x-header")!;
      header.parse(text.start, text.length);
      const algorithm = header.root.member("alg");
      const message = headers.getBytes("x-message")!;
      const signature = headers.getBytes("x-signature")!;
      const messageSize = decodeBase64Url(message.start, message.length, message.start);
      const size = decodeBase64Url(signature.start, signature.length, signature.start);
      const status = this.plugin.jwks!.verify(
        algorithmNamed(algorithm.start, algorithm.length), header.root.member("kid"),
        ByteView.of(message.start, messageSize), ByteView.of(signature.start, size),
      );
      return new LocalReply(status == JwtStatus.Ok ? 200 : 401).text(jwtStatusText(status)).send();
    }`,
    `jwks: Jwks | null = null;
    override configure(config: ConfigReader): void {
      this.jwks = new Jwks(ByteView.ofText(config.string("jwks", "")), false);
    }`,
  );

const files: readonly (readonly [file: string, algorithm: string])[] = [
  ["ecdsa_secp256r1_sha256_p1363", "ES256"],
  ["ecdsa_secp384r1_sha384_p1363", "ES384"],
  ["ecdsa_secp521r1_sha512_p1363", "ES512"],
  ["ed25519", "EdDSA"],
  ["hmac_sha256", "HS256"],
  ["hmac_sha384", "HS384"],
  ["hmac_sha512", "HS512"],
  ["rsa_pss_2048_sha256_mgf1_32", "PS256"],
  ["rsa_pss_2048_sha384_mgf1_48", "PS384"],
  ["rsa_pss_4096_sha512_mgf1_64", "PS512"],
  ["rsa_signature_2048_sha256", "RS256"],
  ["rsa_signature_2048_sha384", "RS384"],
  ["rsa_signature_2048_sha512", "RS512"],
  ["rsa_signature_4096_sha512", "RS512"],
];

/** Of one key set. */
const MOST_KEYS = 100;

/** The vectors, by the key sets that hold their keys. */
function keySets(file: string): [keys: object[], vectors: SignatureVector[]][] {
  const vectors = readVectors(file);
  const keys = [...new Set(vectors.map(({ jwk }) => jwk))];
  const sets: [object[], SignatureVector[]][] = [];
  for (let from = 0; from < keys.length; from += MOST_KEYS) {
    const some = new Set(keys.slice(from, from + MOST_KEYS));
    sets.push([[...some], vectors.filter(({ jwk }) => some.has(jwk))]);
  }
  return sets;
}

const named = (keys: readonly object[]) =>
  JSON.stringify({ keys: keys.map((jwk, kid) => ({ ...jwk, kid: `${kid}` })) });

/** A tag of HMAC is whole, and its secret as long at least (RFC 7518 §3.2): what the vectors have beside is no signature. */
function isUsable(algorithm: string, { jwk, signature }: SignatureVector): boolean {
  if (!algorithm.startsWith("HS")) return true;
  const size = Number(algorithm.slice(2)) / 8;
  return signature.length === size && Buffer.from((jwk as { k: string }).k, "base64url").length >= size;
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe.skipIf(!hasVectors)(
  `signatures of tokens${hasVectors ? "" : ": ATTACHE_VECTORS does not name a folder with vectors"}`,
  () => {
    eachHost("Wycheproof", (start) => {
      let module: Uint8Array;
      beforeAll(async () => {
        module = await compileFilter(source);
      }, 120_000);

      it.each(files)("%s: each has the outcome that it should", { timeout: 120_000 }, async (file, algorithm) => {
        for (const [keys, vectors] of keySets(file)) {
          await using host = await start({ plugins: [{ module, configuration: { jwks: named(keys) } }] });
          for (const vector of vectors) {
            const headers = {
              "x-header": JSON.stringify({ alg: algorithm, kid: `${keys.indexOf(vector.jwk)}` }),
              "x-message": vector.message.toString("base64url"),
              "x-signature": vector.signature.toString("base64url"),
            };
            const isValid = vector.isValid && isUsable(algorithm, vector);
            const { status } = await host.fetch("/", { headers });
            expect(status, vector.place).toBe(isValid ? 200 : 401);
          }
        }
      });

      it.each(files)("%s: none opens a token that it does not sign", { timeout: 120_000 }, async (file, algorithm) => {
        for (const [keys, vectors] of keySets(file)) {
          const issuer = "https://issuer.example";
          const configuration = { requestAuthentication: [{ jwtRules: [{ issuer, jwks: named(keys) }] }] };
          await using host = await start({
            plugins: [{ module: plugin, configuration }],
            clusters: { app: () => ({}) },
          });
          for (const { place, jwk, signature } of vectors) {
            const header = encode({ alg: algorithm, kid: `${keys.indexOf(jwk)}` });
            const token = `${header}.${encode({ iss: issuer, sub: place })}.${signature.toString("base64url")}`;
            expect(await statusOf(host, token), place).toBe(401);
          }
        }
      });
    });
  },
);

async function statusOf(host: Host, token: string): Promise<number> {
  return (await host.fetch("/", { headers: { authorization: `Bearer ${token}` } })).status;
}
