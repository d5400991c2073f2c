import { constants, createHmac, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { startEmulator, type Host, type HostOptions, type RequestOptions, type StartHost } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";
import { allBut } from "../../../test/capabilities.ts";
import { compileFilter, filterSource } from "../../../test/compile-filter.ts";

const module = new URL("../build/plugin.wasm", import.meta.url);

const ISSUER = "https://issuer.example";
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const otherRsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const otherP384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const p521 = generateKeyPairSync("ec", { namedCurve: "P-521" });
const ed25519 = generateKeyPairSync("ed25519");
const secret = randomBytes(64);

const jwk = (key: KeyObject, more: object = {}) => ({ ...key.export({ format: "jwk" }), ...more });
const jwks = (...keys: object[]) => JSON.stringify({ keys });
const allKeys = jwks(
  jwk(rsa.publicKey, { kid: "rsa" }),
  jwk(p256.publicKey, { kid: "p256" }),
  jwk(p384.publicKey),
  jwk(p521.publicKey),
  jwk(ed25519.publicKey),
  { kty: "oct", k: secret.toString("base64url"), kid: "secret" },
);

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

function signature(algorithm: string, message: string, key?: KeyObject): Buffer {
  const bits = algorithm.slice(2);
  const data = Buffer.from(message);
  switch (algorithm.slice(0, 2)) {
    case "HS":
      return createHmac(`sha${bits}`, secret).update(data).digest();
    case "RS":
      return sign(`sha${bits}`, data, key ?? rsa.privateKey);
    case "PS":
      return sign(`sha${bits}`, data, {
        key: key ?? rsa.privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      });
    case "ES": {
      const own = { 256: p256, 384: p384, 512: p521 }[bits]!.privateKey;
      return sign(`sha${bits}`, data, { key: key ?? own, dsaEncoding: "ieee-p1363" });
    }
    default:
      return sign(null, data, key ?? ed25519.privateKey);
  }
}

interface TokenOptions {
  algorithm?: string;
  header?: object;
  key?: KeyObject;
}

/** A signed token; `claims` are added to an issuer and a subject. */
function token(claims: object = {}, { algorithm = "ES256", header = {}, key }: TokenOptions = {}): string {
  const message = `${encode({ alg: algorithm, ...header })}.${encode({ iss: ISSUER, sub: "ann", ...claims })}`;
  return `${message}.${signature(algorithm, message, key).toString("base64url")}`;
}

/** A token with a header and payload of any text, signed by ES256. */
function rawToken(header: string, payload: string): string {
  const message = `${Buffer.from(header).toString("base64url")}.${Buffer.from(payload).toString("base64url")}`;
  return `${message}.${signature("ES256", message).toString("base64url")}`;
}

const rule = (more: object = {}) => ({ issuer: ISSUER, jwks: allKeys, ...more });
const REQUIRE_TOKEN = { rules: [{ from: [{ source: { requestPrincipals: ["*"] } }] }] };

function proxy(jwtRules: object[], policies: object[] = [], options: object = {}): HostOptions {
  const configuration = { requestAuthentication: [{ jwtRules }], authorizationPolicies: policies, options };
  return { plugins: [{ name: "auth-policy", module, configuration }], clusters: { app: () => ({ body: "app" }) } };
}

const bearer = (...tokens: string[]): RequestOptions => ({
  headers: { authorization: tokens.map((text) => `Bearer ${text}`) },
});

async function outcome(host: Host, options?: RequestOptions, path = "/"): Promise<[number, string]> {
  const response = await host.fetch(path, options);
  return [response.status, response.text()];
}
const PASSED: [number, string] = [200, "app"];
const DENIED: [number, string] = [403, "RBAC: access denied"];

const claim = (name: string, ...values: string[]) => ({ rules: [{ when: [{ key: `request.auth.${name}`, values }] }] });
const principal = (...requestPrincipals: string[]) => ({ rules: [{ from: [{ source: { requestPrincipals } }] }] });

eachHost("auth-policy, tokens", (start: StartHost, kind) => {
  const algorithms = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA HS256 HS384 HS512".split(" ");
  it.each(algorithms.flatMap((algorithm) => [[algorithm, true] as const, [algorithm, false] as const]))(
    "takes a token signed by %s, where the proxy verifies signatures: %s",
    async (algorithm, isHelped) => {
      const options = proxy([rule()], [REQUIRE_TOKEN]);
      if (!isHelped)
        options.plugins = [
          { ...options.plugins[0]!, allowedCapabilities: await allBut("proxy_call_foreign_function", module) },
        ];
      await using host = await start(options);
      const valid = token({}, { algorithm });
      expect(await outcome(host, bearer(valid))).toEqual(PASSED);
      // Once more, from the cache; and with a byte of the signature changed, never.
      expect(await outcome(host, bearer(valid))).toEqual(PASSED);
      const at = valid.length - 20;
      const changed = valid.slice(0, at) + (valid[at] === "A" ? "B" : "A") + valid.slice(at + 1);
      expect(await outcome(host, bearer(changed))).toEqual([401, "Jwt verification fails"]);
    },
  );

  describe("refuses a token", () => {
    const good = { alg: "ES256" };
    it.each<[string, string, string]>([
      ["of one part", "abc", "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"],
      [
        "of four parts",
        `${token()}.a`,
        "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections",
      ],
      [
        "too long",
        token({ a: "x".repeat(9000) }),
        "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections",
      ],
      ["with padding", `${encode(good)}=.${encode({})}.AA`, "Jwt header is an invalid Base64url encoded"],
      ["with a header that is no JSON", rawToken("{", "{}"), "Jwt header is an invalid JSON"],
      ["with a header that is no object", rawToken("[]", "{}"), "Jwt header is an invalid JSON"],
      ["with two algorithms", rawToken('{"alg":"ES256","alg":"none"}', "{}"), "Jwt header is an invalid JSON"],
      ["without an algorithm", rawToken("{}", "{}"), "Jwt header [alg] field is required and must be a string"],
      [
        "with alg none",
        `${encode({ alg: "none" })}.${encode({ iss: ISSUER })}.eA`,
        "Jwt header [alg] is not supported",
      ],
      ["with an unknown alg", rawToken('{"alg":"es256"}', "{}"), "Jwt header [alg] is not supported"],
      [
        "with a kid that is no text",
        rawToken('{"alg":"ES256","kid":1}', "{}"),
        "Jwt header [kid] field is not a string",
      ],
      ["with crit", token({}, { header: { crit: ["b64"] } }), "Jwt header [crit] is not supported"],
      ["with a payload in base64", `${encode(good)}.e30=.AA`, "Jwt payload is an invalid Base64url encoded"],
      ["with a payload that is no JSON", rawToken(JSON.stringify(good), "{]"), "Jwt payload is an invalid JSON"],
      [
        "with a claim given twice",
        rawToken(JSON.stringify(good), '{"iss":"a","iss":"b"}'),
        "Jwt payload is an invalid JSON",
      ],
      ["with an issuer that is no text", token({ iss: 1 }), "Jwt payload [iss] field is not a string"],
      ["with a subject that is no text", token({ sub: {} }), "Jwt payload [sub] field is not a string"],
      ["with an id that is no text", token({ jti: 1 }), "Jwt payload [jti] field is not a string"],
      ["with exp as text", token({ exp: "1" }), "Jwt payload [exp] field is not an integer"],
      ["with a negative exp", token({ exp: -1 }), "Jwt payload [exp] field is not a positive 64 bit integer"],
      ["with a huge nbf", token({ nbf: 1e30 }), "Jwt payload [nbf] field is not a positive 64 bit integer"],
      ["with an iat that is no number", token({ iat: [] }), "Jwt payload [iat] field is not an integer"],
      [
        "with an aud that is no text",
        token({ aud: ["a", 1] }),
        "Jwt payload [aud] field is not a string or string list",
      ],
      ["without a signature", `${encode(good)}.${encode({})}.`, expect.stringContaining("Jwt is not in the form")],
      ["of another issuer", token({ iss: "https://other.example" }), "Jwt issuer is not configured"],
      ["without an issuer", token({ iss: undefined }), "Jwt issuer is not configured"],
      ["that expired", token({ exp: 1_600_000_000 }), "Jwt is expired"],
      ["that is not valid yet", token({ nbf: 4_000_000_000 }), "Jwt not yet valid"],
      ["that was never valid", token({ nbf: 4_000_000_000, exp: 1_600_000_000 }), "Jwt not yet valid"],
      [
        "with an unknown kid",
        token({}, { algorithm: "RS256", header: { kid: "x" }, key: otherRsa.privateKey }),
        "Jwt verification fails",
      ],
      ["signed by another key", token({}, { algorithm: "RS256", key: otherRsa.privateKey }), "Jwt verification fails"],
      [
        "with the kid of a key of another kind",
        token({}, { algorithm: "ES384", header: { kid: "p256" }, key: otherP384.privateKey }),
        "Jwt verification fails",
      ],
    ])("%s", async (_, text, problem) => {
      await using host = await start(proxy([rule()]));
      const response = await host.fetch("/a?b", bearer(text));
      expect([response.status, response.text()]).toEqual([401, problem]);
      expect(response.header("www-authenticate")).toBe('Bearer realm="http://localhost/a", error="invalid_token"');
      expect(host.requests("app")).toEqual([]);
    });

    it("that is empty", async () => {
      await using host = await start(proxy([rule()]));
      const problem = "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";
      expect(await outcome(host, {}, "/?access_token=")).toEqual([401, problem]);
    });

    it("whose HMAC is keyed by a public key", async () => {
      await using host = await start(proxy([rule({ jwks: jwks(jwk(rsa.publicKey)) })]));
      const message = `${encode({ alg: "HS256" })}.${encode({ iss: ISSUER })}`;
      const pem = rsa.publicKey.export({ format: "pem", type: "spki" });
      const forged = createHmac("sha256", pem).update(message).digest("base64url");
      expect(await outcome(host, bearer(`${message}.${forged}`))).toEqual([401, "Jwt verification fails"]);
    });

    it("that no key is for", async () => {
      await using host = await start(proxy([rule({ jwks: jwks(jwk(p256.publicKey, { kid: "a" })) })]));
      const problem = "Jwks doesn't have key to match kid or alg from Jwt";
      expect(await outcome(host, bearer(token({}, { header: { kid: "b" } })))).toEqual([401, problem]);
      expect(await outcome(host, bearer(token({}, { header: { kid: "a" } })))).toEqual(PASSED);
    });
  });

  it("takes times with a minute of leeway", async () => {
    await using host = await start(proxy([rule()], [REQUIRE_TOKEN], { clockSkew: "0s" }));
    expect(await outcome(host, bearer(token({ exp: 4_000_000_000, nbf: 1_600_000_000.5, iat: 5e9 })))).toEqual(PASSED);
  });

  it("asks for an end, and one that is near, as jwt_authn does", async () => {
    const seconds = Math.floor((kind === "emulator" ? Date.UTC(2025, 0) : Date.now()) / 1000);
    const endless = bearer(token());
    const ending = (inSeconds: number, more: object = {}) => bearer(token({ exp: seconds + inSeconds, ...more }));
    const REFUSED: [number, string] = [401, "Jwt verification fails"];
    await using unlimited = await start(proxy([rule()]));
    expect(await outcome(unlimited, bearer(token({ exp: 253_402_300_799 })))).toEqual(PASSED);
    await using requiring = await start(proxy([rule({ requireExpiration: true })]));
    expect(await outcome(requiring, endless)).toEqual(REFUSED);
    expect(await outcome(requiring, ending(1_000_000))).toEqual(PASSED);
    await using limiting = await start(proxy([rule({ maxLifetime: "1h" })]));
    expect(await outcome(limiting, endless)).toEqual(REFUSED);
    expect(await outcome(limiting, ending(3000, { iat: seconds - 100_000 }))).toEqual(PASSED);
    expect(await outcome(limiting, ending(7200, { iat: seconds + 7000 }))).toEqual(REFUSED);
    expect(await outcome(limiting, ending(-3000))).toEqual([401, "Jwt is expired"]);
  });

  it("asks for one of the audiences", async () => {
    await using host = await start(proxy([rule({ audiences: ["https://app.example/", "b"] })]));
    const refused = [403, "Audiences in Jwt are not allowed"];
    expect(await outcome(host, bearer(token({ aud: "app.example" })))).toEqual(PASSED);
    expect(await outcome(host, bearer(token({ aud: ["x", "http://b/"] })))).toEqual(PASSED);
    expect(await outcome(host, bearer(token({ aud: "app.example/x" })))).toEqual(refused);
    expect(await outcome(host, bearer(token({ aud: [] })))).toEqual(refused);
    expect(await outcome(host, bearer(token()))).toEqual(refused);
    expect(await outcome(host)).toEqual(PASSED);
  });

  it("passes over tokens that no rule is for, if it shall", async () => {
    const other = token({ iss: "https://other.example" });
    const rules = [rule(), { ...rule(), issuer: "https://second.example" }];
    const reading = (policies: object[]) => proxy(rules, policies, { unknownIssuer: "ignore" });
    await using host = await start(reading([]));
    expect(await outcome(host, bearer(other))).toEqual(PASSED);
    expect(host.requests("app")[0]!.header("authorization")).toBe(`Bearer ${other}`);
    // Any other problem still counts, whatever stands beside it.
    expect((await outcome(host, bearer("x.y.z")))[0]).toBe(401);
    const expired = token({ exp: 1_600_000_000 });
    expect(await outcome(host, bearer(expired))).toEqual([401, "Jwt is expired"]);
    for (const both of [
      [other, expired],
      [expired, other],
    ]) {
      expect((await outcome(host, bearer(both[0]!), `/?access_token=${both[1]}`))[0]).toBe(401);
    }
    await using strict = await start(reading([REQUIRE_TOKEN]));
    expect(await outcome(strict, bearer(other))).toEqual(DENIED);
    const query = `/?access_token=${token()}`;
    expect(await outcome(strict, bearer(other), query)).toEqual(PASSED);
    const [passed] = strict.requests("app");
    expect([passed!.header("authorization"), passed!.path]).toEqual([`Bearer ${other}`, "/"]);
    expect(await outcome(strict, bearer(token({ iss: "https://second.example" })))).toEqual(PASSED);
    const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const many = proxy([rule({ fromHeaders: [...names, "i"].map((name) => ({ name })) })], [], {
      unknownIssuer: "ignore",
    });
    await using crowded = await start(many);
    const sent = (list: string[]) => Object.fromEntries(list.map((name) => [name, other]));
    expect(await outcome(crowded, { headers: sent(names) })).toEqual(PASSED);
    expect(await outcome(crowded, { headers: sent([...names, "i"]) })).toEqual([401, "Found multiple Jwt tokens"]);
  });

  it("takes an empty kid for none", async () => {
    await using host = await start(proxy([rule()]));
    expect(await outcome(host, bearer(token({}, { header: { kid: "" } })))).toEqual(PASSED);
  });

  describe("finds tokens", () => {
    it("in the authorization header and the query", async () => {
      await using host = await start(proxy([rule()], [REQUIRE_TOKEN]));
      expect(await outcome(host, {}, `/a?x=1&access_token=${token()}&y`)).toEqual(PASSED);
      expect(host.requests("app")[0]!.path).toBe("/a?x=1&y");
      expect(await outcome(host, {}, `/a?access_token=${token()}`)).toEqual(PASSED);
      expect(host.requests("app")[1]!.path).toBe("/a");
      expect(await outcome(host, { headers: { authorization: `bearer ${token()}` } })).toEqual(DENIED);
      expect(await outcome(host, { headers: { authorization: "Basic x" } })).toEqual(DENIED);
      expect(await outcome(host)).toEqual(DENIED);
    });

    it("behind other credentials, as Envoy does", async () => {
      await using host = await start(proxy([rule()]));
      const send = async (...authorization: string[]) => await outcome(host, { headers: { authorization } });
      expect(await send(`Basic x,Bearer ${token()}`)).toEqual(PASSED);
      expect(host.requests("app")[0]!.header("authorization")).toBe(null);
      const expired = `Bearer ${token({ exp: 1_600_000_000 })}`;
      expect(await send(`Basic x,${expired}`)).toEqual([401, "Jwt is expired"]);
      expect(await send("Basic x", expired)).toEqual([401, "Jwt is expired"]);
      expect((await send(`Bearer ${token()},Bearer x`))[0]).toBe(401);
    });

    it("and leaves other credentials in the places without", async () => {
      await using host = await start(proxy([rule()]));
      const options = { headers: { authorization: "Basic x" } };
      expect(await outcome(host, options, `/?access_token=${token()}`)).toEqual(PASSED);
      expect(host.requests("app")[0]!.header("authorization")).toBe("Basic x");
    });

    it("where the rule says, and only there", async () => {
      const places = { fromHeaders: [{ name: "X-Jwt", prefix: "jwt " }], fromParams: ["t"], fromCookies: ["c"] };
      await using host = await start(proxy([rule(places)], [REQUIRE_TOKEN]));
      expect(await outcome(host, { headers: { "x-jwt": `jwt ${token()}` } })).toEqual(PASSED);
      expect(host.requests("app")[0]!.header("x-jwt")).toBe(null);
      expect(await outcome(host, {}, `/?t=${token()}`)).toEqual(PASSED);
      expect(await outcome(host, { headers: { cookie: `a=b; c=${token()}` } })).toEqual(PASSED);
      expect(host.requests("app")[2]!.header("cookie")).toContain("c=ey");
      expect(await outcome(host, bearer(token()))).toEqual(DENIED);
      expect(await outcome(host, {}, `/?access_token=${token()}`)).toEqual(DENIED);
    });

    it("and asks that all of them are valid", async () => {
      await using host = await start(proxy([rule({ fromParams: ["token", "secondary_token"] })]));
      const expired = token({ exp: 1_600_000_000 });
      expect(await outcome(host, {}, `/?token=${token()}&secondary_token=${expired}`)).toEqual([401, "Jwt is expired"]);
      expect(await outcome(host, {}, `/?token=${token()}&secondary_token=${token({ sub: "b" })}`)).toEqual(PASSED);
    });

    it("in every line of a header", async () => {
      await using host = await start(proxy([rule({ fromHeaders: [{ name: "x-jwt" }] })]));
      const send = async (...tokens: string[]) => await outcome(host, { headers: { "x-jwt": tokens } });
      expect(await send(token(), token())).toEqual(PASSED);
      expect(await send(token(), "x")).toEqual([401, expect.stringContaining("Jwt is not in the form")]);
      expect(await send(...Array.from({ length: 9 }, () => token()))).toEqual([401, "Found multiple Jwt tokens"]);
    });
  });

  it("forwards the token if asked to", async () => {
    await using host = await start(proxy([rule({ forwardOriginalToken: true })]));
    await host.fetch("/", bearer(token()));
    expect(host.requests("app")[0]!.header("authorization")).toMatch(/^Bearer ey/);
    await host.update(proxy([rule()]));
    await host.fetch("/", bearer(token()));
    expect(host.requests("app")[1]!.header("authorization")).toBe(null);
  });

  it("hands claims to the upstream in headers that a client cannot set", async () => {
    const outputs = {
      outputPayloadToHeader: "x-payload",
      outputClaimToHeaders: ["sub", "n", "on", "a.b", "list", "absent"].map((claim) => ({
        header: `x-${claim.replace(".", "-")}`,
        claim,
      })),
    };
    const names = ["x-payload", "x-sub", "x-n", "x-on", "x-a-b", "x-list", "x-absent"];
    const forged = Object.fromEntries(names.map((name) => [name, "forged"]));
    await using host = await start(proxy([rule(outputs)]));
    const sent = token({ n: 12, on: true, a: { b: "c" }, list: ["x"] });
    const seen = async (options: RequestOptions) => {
      await host.fetch("/", options);
      return names.map((name) => host.requests("app").at(-1)!.header(name));
    };
    const expected = [sent.split(".")[1], "ann", "12", "true", "c", null, null];
    expect(await seen({ headers: { ...forged, authorization: `Bearer ${sent}` } })).toEqual(expected);
    expect(await seen({ headers: { ...forged, authorization: `Bearer ${sent}` } })).toEqual(expected);
    expect(await seen({ headers: forged })).toEqual(names.map(() => null));
    for (const sub of ["a\r\nx-n: 1", "a\u0000", "a\u0001", "a\u007f"]) {
      expect((await seen({ headers: { ...forged, ...bearer(token({ sub })).headers } }))[1]).toBe(null);
    }
  });

  it("publishes the payload as it stands in the token, escapes too", async () => {
    const reader = await compileFilter(
      filterSource(`override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
        const payload = getPropertyAt("jwt_payload");
        if (payload !== null) headers.setBytesOf(new Text("x-seen"), payload);
        return FilterHeaders.Continue;
      }`).replace("xxHash64,", "xxHash64, getPropertyAt,"),
    );
    const { plugins, clusters } = proxy([rule()]);
    await using host = await start({
      plugins: [...plugins!, { name: "reader", module: reader }],
      clusters: clusters!,
    });
    // A name that anybody could choose, and that would be a claim of its own if the escapes were gone.
    const payloads = [
      JSON.stringify({ iss: ISSUER, name: 'a","groups":"admin","z":"' }),
      JSON.stringify({ iss: ISSUER, name: "two\nlines" }),
      `{"iss":"${ISSUER}","name":"Jos\\u00e9"}`,
    ];
    for (const payload of payloads) {
      const sent = bearer(rawToken('{"alg":"ES256"}', payload));
      // Once more, from the cache.
      for (let time = 0; time < 2; time++) await host.fetch("/", sent);
      const seen = host
        .requests("app")
        .slice(-2)
        .map((request) => request.header("x-seen"));
      expect(seen).toEqual([payload, payload]);
    }
  });

  it("lets CORS preflights pass, and nothing that only looks like one", async () => {
    await using host = await start(proxy([rule()]));
    const headers = { authorization: "Bearer x", origin: "http://a", "access-control-request-method": "GET" };
    expect(await outcome(host, { method: "OPTIONS", headers })).toEqual(PASSED);
    expect((await outcome(host, { method: "GET", headers }))[0]).toBe(401);
    const { origin: _, ...withoutOrigin } = headers;
    expect((await outcome(host, { method: "OPTIONS", headers: withoutOrigin }))[0]).toBe(401);
    for (const name of ["origin", "access-control-request-method"]) {
      expect((await outcome(host, { method: "OPTIONS", headers: { ...headers, [name]: "" } }))[0]).toBe(401);
    }
  });

  it("takes the tokens of several issuers at one place", async () => {
    const other = { issuer: "https://a.example", jwks: jwks(jwk(ed25519.publicKey)) };
    await using host = await start(proxy([rule(), other], [REQUIRE_TOKEN]));
    const ofOther = (options: TokenOptions) => bearer(token({ iss: other.issuer }, options));
    expect(await outcome(host, bearer(token()))).toEqual(PASSED);
    expect(await outcome(host, ofOther({ algorithm: "EdDSA" }))).toEqual(PASSED);
    expect(await outcome(host, ofOther({ algorithm: "ES256" }))).toEqual([401, expect.stringContaining("Jw")]);
    expect(await outcome(host, bearer(token({ iss: "c" })))).toEqual([401, "Jwt issuer is not configured"]);
    expect(await outcome(host, bearer(token({ exp: 1_600_000_000 })))).toEqual([401, "Jwt is expired"]);
  });

  describe("decides by claims:", () => {
    it.each<[string, object, object[], object[]]>([
      [
        "a group",
        claim("claims[groups]", "g1"),
        [{ groups: "g1" }, { groups: ["g0", "g1"] }],
        [{ groups: { g1: 1 } }, { groups: 1 }, {}, { groups: [] }],
      ],
      [
        "a scope",
        claim("claims[scope]", "read"),
        [{ scope: "read write" }, { scope: "write read" }],
        [{ scope: "reads" }, {}],
      ],
      [
        "a nested claim",
        claim("claims[a][b]", "c*"),
        [{ a: { b: "cd" } }, { a: { b: ["x", "c"] } }],
        [{ a: "c" }, { "a.b": "c" }, { a: { b: 1 } }],
      ],
      [
        // Istio has Envoy look for `.+`, in which a `.` is no line feed.
        "the presence of a claim",
        claim("claims[groups]", "*"),
        [{ groups: "a" }, { groups: ["a\n", "b"] }],
        [{ groups: "a\nb" }, { groups: ["\n"] }, { groups: "" }, {}],
      ],
      [
        "DENY by the presence of a claim",
        { action: "DENY", ...claim("claims[groups]", "*") },
        [{ groups: "" }, {}],
        [{ groups: "a" }, { groups: "a\nb" }],
      ],
      ["a claim with a dot", claim("claims[a.b]", "c"), [{ "a.b": "c" }], [{ a: { b: "c" } }]],
      ["an audience", claim("audiences", "x"), [{ aud: "x" }, { aud: ["y", "x"] }], [{ aud: "y" }, {}]],
      ["a presenter", claim("presenter", "x"), [{ azp: "x" }], [{ azp: "y" }, {}]],
      ["an exact principal", principal(`${ISSUER}/ann`), [{}], [{ sub: "bob" }, { sub: undefined }]],
      ["any principal", principal("*"), [{}, { sub: "x" }], [{ sub: undefined }, { sub: "" }, { sub: "a\nb" }]],
      ["a subject by prefix", principal(`${ISSUER}/a*`), [{}, { sub: "a" }], [{ sub: "b" }]],
      ["any subject of the issuer", principal(`${ISSUER}/*`), [{}], [{ sub: "" }]],
      ["a subject of issuers by suffix", principal("*.example/ann"), [{}], [{ sub: "b" }]],
      ["an issuer by prefix", principal("https://issuer*/*", "https:*"), [{}], [{ sub: "" }]],
      [
        "all but one principal",
        { rules: [{ from: [{ source: { notRequestPrincipals: [`${ISSUER}/ann`] } }] }] },
        [{ sub: "b" }],
        [{}],
      ],
      [
        "DENY without a principal",
        { action: "DENY", rules: [{ from: [{ source: { notRequestPrincipals: ["*"] } }] }] },
        [{}],
        [{ sub: "" }],
      ],
    ])("%s", async (_, policy, allowed, denied) => {
      await using host = await start(proxy([rule()], [policy]));
      for (const claims of allowed)
        expect([claims, await outcome(host, bearer(token(claims)))]).toEqual([claims, PASSED]);
      for (const claims of denied)
        expect([claims, await outcome(host, bearer(token(claims)))]).toEqual([claims, DENIED]);
    });

    const tenant = "request.auth.claims[tenant]";
    const tenantOf = (values: object, action = "ALLOW") => ({
      action,
      rules: [{ when: [{ key: "request.headers[x-tenant]", ...values }] }],
    });
    const asking = (claims: object | null, ...tenants: string[]): RequestOptions => ({
      headers: {
        ...(claims === null ? {} : { authorization: `Bearer ${token(claims)}` }),
        ...(tenants.length === 0 ? {} : { "x-tenant": tenants }),
      },
    });
    it.each<[string, object, RequestOptions[], RequestOptions[]]>([
      [
        "a header that has the value of one",
        tenantOf({ valuesFrom: [tenant] }),
        [asking({ tenant: "a" }, "a"), asking({ tenant: ["b", "a"] }, "a")],
        [asking({ tenant: "a" }, "b"), asking({ tenant: "a" }), asking({}, "a"), asking(null, "a"), asking(null)],
      ],
      [
        "every line of it",
        tenantOf({ valuesFrom: [tenant] }),
        [],
        [asking({ tenant: "a" }, "a", "b"), asking({ tenant: "a" }, "a,b")],
      ],
      [
        "a header that has another value, to deny",
        tenantOf({ notValuesFrom: [tenant] }, "DENY"),
        [asking({ tenant: "a" }, "a")],
        [asking({ tenant: "a" }, "b"), asking({ tenant: "a" }, "a", "b"), asking({ tenant: "a" }), asking({}, "a")],
      ],
      [
        "a header that has another value, to allow",
        tenantOf({ notValuesFrom: [tenant] }),
        [asking({ tenant: "a" }, "b")],
        [asking({ tenant: "a" }, "a"), asking({ tenant: "a" }), asking({}, "b"), asking(null, "b")],
      ],
      [
        "a header that is none of several claims, all of which are known",
        tenantOf({ notValuesFrom: [tenant, "request.auth.claims[org]"] }),
        [asking({ tenant: "a", org: "b" }, "c")],
        [asking({ tenant: "a", org: "b" }, "b"), asking({ tenant: "a" }, "c"), asking({ org: "b" }, "c")],
      ],
      [
        "one of several claims",
        tenantOf({ valuesFrom: [tenant, "request.auth.claims[org][id]"] }),
        [asking({ tenant: "a", org: { id: "b" } }, "b")],
        [asking({ org: { id: "b" } }, "c")],
      ],
    ])("%s", async (_, policy, allowed, denied) => {
      await using host = await start(proxy([rule()], [policy]));
      for (const request of allowed) expect([request, await outcome(host, request)]).toEqual([request, PASSED]);
      for (const request of denied) expect([request, await outcome(host, request)]).toEqual([request, DENIED]);
    });

    it.each<[object, string]>([
      [{ key: "destination.port", valuesFrom: [tenant] }, "valuesFrom and notValuesFrom cannot be used with"],
      [{ key: "request.headers[a]", notValuesFrom: ["tenant"] }, "notValuesFrom[0]: must be request.auth.claims[name]"],
    ])("and not by %j", async (condition, problem) => {
      await expect(start(proxy([rule()], [{ rules: [{ when: [condition] }] }]))).rejects.toThrow(problem);
    });

    it("not those of the request before", async () => {
      await using host = await start(proxy([rule()], [REQUIRE_TOKEN]));
      expect(await outcome(host, bearer(token()))).toEqual(PASSED);
      expect(await outcome(host)).toEqual(DENIED);
    });
  });

  it("keeps few tokens, and takes the others again", async () => {
    await using host = await start(proxy([rule()], [REQUIRE_TOKEN], { cachedTokens: 2 }));
    const tokens = ["a", "b", "c", "d"].map((sub) => token({ sub }));
    for (const text of [...tokens, ...tokens]) expect(await outcome(host, bearer(text))).toEqual(PASSED);
    expect(await outcome(host, bearer(`${tokens[0]}A`))).toEqual([401, expect.stringContaining("Jwt")]);
  });

  describe("rejects a configuration", () => {
    it.each<[object, string]>([
      [{ jwks: allKeys }, "issuer or jwksUri must be non-empty string"],
      [
        { issuer: "a", jwks: allKeys, outputPayloadToHeader: "Content-Length" },
        "outputPayloadToHeader: is a header that a filter must not change",
      ],
      [{ issuer: "a", jwks: allKeys, fromHeaders: [{ name: "x y" }] }, "fromHeaders[0].name: is not a header name"],
      [{ issuer: "a" }, "keys are found only by an issuer that is an http or https URL: set jwks or jwksUri"],
      [{ issuer: "a", jwks: allKeys, jwksUri: "http://a" }, "only one of jwks or jwksUri can be set"],
      [{ issuer: "a", jwks: "{" }, "jwks parse error: line 1"],
      [{ issuer: "a", jwks: "{}" }, "Jwks does not have [keys] field"],
      [{ issuer: "a", jwks: '{"keys":{}}' }, "[keys] in Jwks is not an array"],
      [{ issuer: "a", jwks: '{"keys":[]}' }, "Jwks doesn't have any valid public key"],
      [
        { issuer: "a", jwks: '{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}' },
        "Jwks doesn't have any valid public key",
      ],
      [{ issuer: "a", jwks: allKeys, audiences: [""] }, "audience must be non-empty string"],
      [{ issuer: "a", jwks: allKeys, fromHeaders: [{ prefix: "x" }] }, "location header name must be non-empty string"],
      [{ issuer: "a", jwks: allKeys, fromCookies: [""] }, "cookie name must be non-empty string"],
      [{ issuer: "a", jwks: allKeys, outputPayloadToHeader: ":path" }, "must have letters, digits, - and _ only"],
      [{ issuer: "a", jwks: allKeys, outputClaimToHeaders: [{ header: "host", claim: "a" }] }, "must not change"],
      [{ issuer: "a", jwks: allKeys, isuer: "b" }, 'isuer: unknown field, did you mean "issuer"?'],
    ])("with %j", async (jwtRule, problem) => {
      await expect(start(proxy([jwtRule]))).rejects.toThrow(problem);
    });

    it("not for a key with its private part, but warns", async () => {
      await using host = await start(proxy([rule({ jwks: jwks(jwk(p256.privateKey)) })], [REQUIRE_TOKEN]));
      await host.waitForLog(
        "jwks key at index 0 contains private key material; only public keys are used for verification",
      );
      expect(await outcome(host, bearer(token()))).toEqual(PASSED);
    });
  });
});

describe("auth-policy, a token seen before, counted in the emulator", () => {
  const read = ["proxy_get_header_map_pairs", "proxy_get_current_time_nanoseconds", "proxy_set_property"];
  const decide = "proxy_increment_metric";
  const set = "proxy_replace_header_map_value";
  const take = "proxy_remove_header_map_value";

  it.each<[string, object, string[]]>([
    ["that is handed on", { forwardOriginalToken: true }, [...read, decide]],
    ["that is taken out", {}, [...read, take, decide]],
    [
      "with claims in headers",
      {
        outputPayloadToHeader: "x-payload",
        outputClaimToHeaders: [
          { header: "x-user", claim: "sub" },
          { header: "x-none", claim: "none" },
        ],
      },
      [...read, take, set, set, decide],
    ],
  ])("%s", async (_name, more, calls) => {
    const policy = {
      rules: [
        {
          from: [{ source: { requestPrincipals: [`${ISSUER}/*`] } }],
          to: [{ operation: { methods: ["GET"], paths: ["/a"], hosts: ["*"] } }],
        },
      ],
    };
    await using host = await startEmulator({ ...proxy([rule(more)], [policy]), logLevel: "trace" });
    const seen = bearer(token());
    expect(await outcome(host, seen, "/a")).toEqual(PASSED);
    const before = host.transcript.length;
    expect(await outcome(host, seen, "/a")).toEqual(PASSED);
    const lines = host.transcript.slice(before).filter((line) => line.startsWith("[vm->host]"));
    expect(lines.map((line) => /env\.(\w+)/.exec(line)![1])).toEqual(calls);
  });
});
