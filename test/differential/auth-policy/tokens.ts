import { webcrypto } from "node:crypto";
import { base64url, CompactSign, exportJWK, generateKeyPair, type CryptoKey, type JWK } from "jose";
import type { Dice } from "../../conformance/dice.ts";
import type { Request } from "./generator.ts";
import type { JwtRule } from "./policy.ts";

const issuers = ["https://a.example", "https://b.example"] as const;
const algorithms = ["RS256", "ES256", "EdDSA", "HS256", "PS256"] as const;

interface SigningKey {
  algorithm: string;
  kid: string;
  key: CryptoKey | Uint8Array;
  jwk: JWK;
}

/** Keys of two issuers, and tokens that are signed by them, or nearly. */
export class Tokens {
  readonly #keys: ReadonlyMap<string, readonly SigningKey[]>;
  readonly #all: readonly string[];

  static async make(dice: Dice): Promise<Tokens> {
    const keys = new Map<string, SigningKey[]>();
    for (const issuer of issuers) {
      keys.set(issuer, await Promise.all(algorithms.map((algorithm) => makeKey(algorithm, `${algorithm}-key`))));
    }
    return new Tokens(keys, await Promise.all(dice.list(400, 400, () => makeToken(dice.fork(), keys))));
  }

  private constructor(keys: ReadonlyMap<string, readonly SigningKey[]>, all: readonly string[]) {
    this.#keys = keys;
    this.#all = all;
  }

  /** Rules for one issuer or both. */
  randomRules(dice: Dice): JwtRule[] {
    const chosen = dice.chance(0.5) ? [dice.of(issuers)] : issuers;
    return chosen.map((issuer) => this.#randomRule(dice, issuer));
  }

  /** Puts tokens where a rule could look for them. */
  addTo(request: Request, dice: Dice): void {
    while (dice.chance(0.5)) this.#addOne(request, dice);
  }

  #addOne(request: Request, dice: Dice): void {
    const token = dice.of(this.#all);
    const header = (name: string, value: string) => void request.headers.push([name, value]);
    dice.of([
      () => header("authorization", `Bearer ${token}`),
      () => header("authorization", `Bearer ${token}`),
      () => header("authorization", `Bearer ${token}`),
      () => header("Authorization", dice.of([`bearer ${token}`, `Basic ${token}`, token, "Bearer ", "Bearer"])),
      () => header("x-token", token),
      () => header("x-prefixed", `Token ${token}`),
      () => header("cookie", `a=b; session=${token}; c=d`),
      () => void (request.target += `${request.target.includes("?") ? "&" : "?"}token=${token}`),
      () => void (request.target += `${request.target.includes("?") ? "&" : "?"}access_token=${token}&z=1`),
      // What a client wants to be taken for a claim.
      () => header(dice.of(["x-sub", "x-payload", "X-Roles"]), "forged"),
    ])();
  }

  #randomRule(dice: Dice, issuer: string): JwtRule {
    const keys = this.#keys.get(issuer)!.map(({ jwk }) => jwk);
    const fromHeaders = dice.some(
      [{ name: "x-token" }, { name: "x-prefixed", prefix: "Token " }, { name: "authorization", prefix: "Bearer " }],
      0.3,
    );
    const outputs = dice.some(
      [
        { header: "x-sub", claim: "sub" },
        { header: "x-level-claim", claim: "level" },
        { header: "x-roles", claim: "realm.role" },
      ],
      0.5,
    );
    return {
      issuer,
      jwks: JSON.stringify({ keys: dice.chance(0.8) ? keys : keys.slice(1) }),
      ...(dice.chance(0.4) ? { audiences: dice.list(1, 2, () => dice.of(["payments", "https://shop/", "shop"])) } : {}),
      ...(fromHeaders.length > 0 ? { fromHeaders } : {}),
      ...(dice.chance(0.2) ? { fromParams: ["token"] } : {}),
      ...(dice.chance(0.2) ? { fromCookies: ["session"] } : {}),
      ...(dice.chance(0.4) ? { forwardOriginalToken: true } : {}),
      ...(dice.chance(0.3) ? { outputPayloadToHeader: "x-payload" } : {}),
      ...(outputs.length > 0 ? { outputClaimToHeaders: outputs } : {}),
      ...(dice.chance(0.3) ? { spaceDelimitedClaims: ["groups"] } : {}),
    };
  }
}

/** Values of a request where a token can be. */
export function tokensOf({ target, headers }: Request): string[] {
  const inHeaders = headers.flatMap(([name, value]) => {
    if (name === "cookie") return [...value.matchAll(/session=([^;]*)/g)].map((match) => match[1]!);
    return /^(authorization|x-token|x-prefixed)$/i.test(name) ? [value.replace(/^(Bearer|Token) /, "")] : [];
  });
  return [...inHeaders, ...[...target.matchAll(/[?&](?:access_)?token=([^&]*)/g)].map((match) => match[1]!)];
}

async function makeKey(algorithm: (typeof algorithms)[number], kid: string): Promise<SigningKey> {
  if (algorithm === "HS256") {
    const secret = webcrypto.getRandomValues(new Uint8Array(32));
    return { algorithm, kid, key: secret, jwk: { kty: "oct", k: base64url.encode(secret), kid, alg: algorithm } };
  }
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return { algorithm, kid, key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm } };
}

async function makeToken(dice: Dice, keys: ReadonlyMap<string, readonly SigningKey[]>): Promise<string> {
  const issuer = dice.of(issuers);
  const signer = dice.of(keys.get(dice.chance(0.95) ? issuer : issuers[0])!);
  const header = {
    alg: signer.algorithm,
    ...(dice.chance(0.8) ? { typ: "JWT" } : {}),
    ...(dice.chance(0.8) ? { kid: dice.chance(0.95) ? signer.kid : dice.of(["", "other", "RS256-key"]) } : {}),
  };
  const payload = JSON.stringify(randomClaims(dice, issuer));
  const signed = await new CompactSign(Buffer.from(payload)).setProtectedHeader(header).sign(signer.key);
  return dice.chance(0.75) ? signed : spoil(dice, signed);
}

/** `level` and `realm.role` go into headers: no lists, of which Envoy makes base64 (README, "What it does not do yet"). */
function randomClaims(dice: Dice, issuer: string): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  const optional = (name: string, probability: number, ...values: unknown[]) =>
    dice.chance(probability) ? { [name]: dice.of(values) } : {};
  return {
    ...optional("iss", 0.98, issuer, issuer, issuer, issuer, issuer, issuer, issuer, "https://c.example", 1),
    ...optional("sub", 0.9, "alice", "bob", "alice", "bob", "al/ice", "", 7),
    ...optional(
      "aud",
      0.7,
      "payments",
      "shop",
      ["shop", "payments"],
      "https://shop",
      "http://payments/",
      [],
      "",
      "other",
    ),
    ...optional("exp", 0.8, now + 3600, now + 86_400, now + 3600.5, now - 3600, String(now), -1, 1e300),
    ...optional("nbf", 0.2, now - 100, now - 1, now + 3600, 0, "0"),
    ...optional("iat", 0.3, now, now + 86_400, -1, "x", 0),
    ...optional("jti", 0.1, "1", "2", 3),
    ...optional("azp", 0.4, "web", "admin", ["web"], 1, "web\nadmin"),
    ...optional(
      "groups",
      0.6,
      "admin",
      "dev",
      "admin dev",
      ["admin", "dev"],
      { admin: 1 },
      [1, "dev"],
      [],
      true,
      "a b",
      "dev\n",
      ["\n", "dev"],
    ),
    ...optional("scope", 0.6, "read", "read write", " read  write ", ["read", "a b"], ""),
    ...optional(
      "realm",
      0.5,
      { roles: ["admin"], role: "admin" },
      { roles: "dev", role: 1 },
      { roles: { admin: 1 } },
      "admin",
    ),
    ...optional("a.b", 0.3, "admin", ["dev"]),
    ...optional("level", 0.4, "1", 1, 1.5, true, -12, 1e21, null, "\u00e9"),
  };
}

/** A token that nobody should take, or that is read in more than one way. */
function spoil(dice: Dice, token: string): string {
  const [header, payload, signature] = token.split(".") as [string, string, string];
  const encode = (value: unknown) => base64url.encode(JSON.stringify(value));
  const decoded = JSON.parse(Buffer.from(header, "base64url").toString()) as Record<string, unknown>;
  const at = Math.floor(dice.next() * token.length);
  return dice.of([
    () => token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1),
    () => token.slice(0, at),
    () => `${header}.${payload}`,
    () => `${header}.${payload}.`,
    () => `${token}.`,
    () => `${token}=`,
    () => `${token}A`,
    () => `.${payload}.${signature}`,
    () => `${encode({ ...decoded, alg: "none" })}.${payload}.`,
    () => `${encode({ ...decoded, alg: "none" })}.${payload}.${signature}`,
    () => `${encode({ ...decoded, alg: "HS256" })}.${payload}.${signature}`,
    () => `${encode({ ...decoded, alg: 5 })}.${payload}.${signature}`,
    () => `${encode({ ...decoded, kid: 5 })}.${payload}.${signature}`,
    () => `${encode([decoded])}.${payload}.${signature}`,
    () => `${header}.${encode({ iss: issuers[0], sub: "alice" })}.${signature}`,
    () => `${header}.${base64url.encode("{")}.${signature}`,
    () => `${header}.${payload}.${signature.slice(0, -4)}`,
    () => `${header}!.${payload}.${signature}`,
    () => "",
    () => "a.b.c",
    () => `${token},${token}`,
  ])();
}
