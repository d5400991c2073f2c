import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { Problem } from "../problem.ts";
import { listIn, textIn, type Fields } from "./fields.ts";
import { jwtRulesOf, type Configuration } from "./policies.ts";
import type { Request } from "./request-file.ts";

/** Puts keys of issuers in place of where they are fetched: JSON Web Key Sets by issuer. */
export function withKeys(configuration: Configuration, keys: ReadonlyMap<string, string>): Configuration {
  const copy = structuredClone(configuration);
  for (const rule of jwtRulesOf(copy)) {
    const set = keys.get(textIn(rule, "issuer"));
    if (set === undefined) continue;
    for (const name of ["jwksUri", "jwks_uri"]) delete rule[name];
    rule["jwks"] = set;
  }
  return copy;
}

/** Issuers whose keys would be fetched, which explaining does not do. */
export function fetchingIssuers(configuration: Configuration): string[] {
  return jwtRulesOf(configuration)
    .filter((rule) => rule["jwks"] === undefined || rule["jwks"] === null)
    .map((rule) => textIn(rule, "issuer"));
}

/**
 * Gives a request that has claims a token with them, signed by a key of its own, which takes the place of the issuer's. The
 * token is where the issuer's first rule looks for it.
 */
export function withToken(
  configuration: Configuration,
  request: Request,
): { configuration: Configuration; request: Request } {
  const { claims } = request;
  if (claims === null) return { configuration, request };
  const issuer = String(claims["iss"]);
  const rule = jwtRulesOf(configuration).find((candidate) => textIn(candidate, "issuer") === issuer);
  if (rule === undefined) {
    throw new Problem(`claims.iss: no RequestAuthentication has a rule for ${JSON.stringify(issuer)}`);
  }
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const set = JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "attache" }] });
  return {
    configuration: withKeys(configuration, new Map([[issuer, set]])),
    request: place(signed(claims, privateKey), rule, request),
  };
}

function signed(claims: object, key: KeyObject): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const message = `${part({ alg: "EdDSA", kid: "attache" })}.${part(claims)}`;
  return `${message}.${sign(null, Buffer.from(message), key).toString("base64url")}`;
}

function place(token: string, rule: Fields, request: Request): Request {
  const [header] = listIn(rule, "fromHeaders");
  const [parameter] = listIn(rule, "fromParams");
  const [cookie] = listIn(rule, "fromCookies");
  const withHeader = (name: string, value: string): Request => ({
    ...request,
    headers: [...request.headers, [name.toLowerCase(), value]],
  });
  if (header !== undefined) return withHeader(textIn(header, "name"), textIn(header, "prefix") + token);
  if (parameter !== undefined) {
    const separator = request.path.includes("?") ? "&" : "?";
    return { ...request, path: `${request.path}${separator}${encodeURIComponent(String(parameter))}=${token}` };
  }
  if (cookie !== undefined) return withHeader("cookie", `${String(cookie)}=${token}`);
  return withHeader("authorization", `Bearer ${token}`);
}
