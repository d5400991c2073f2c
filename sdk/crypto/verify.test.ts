import { generateKeyPairSync, sign } from "node:crypto";
import type { PluginOptions, StartHost } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { beforeAll, describe, expect, it } from "vitest";
import { allBut } from "../../test/capabilities.ts";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";
import { hasVectors, readVectors } from "../../test/wycheproof.ts";

/** Checks what request headers say by the keys of its configuration, and answers with the outcome. */
const source =
  `import { algorithmNamed, decodeBase64Url, importJwk, LocalReply, Verification, VerificationKey } from "@attache/sdk";
  import { JsonDocument } from "@attache/sdk/json";` +
  filterSource(
    `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
      const key = this.plugin.keys[<i32>parseInt(headers.get("x-key")!)];
      const algorithm = headers.getBytes("x-algorithm")!;
      const message = headers.getBytes("x-message")!;
      const signature = headers.getBytes("x-signature")!;
      const messageSize = decodeBase64Url(message.start, message.length, message.start);
      const size = decodeBase64Url(signature.start, signature.length, signature.start);
      const result = key.verify(
        algorithmNamed(algorithm.start, algorithm.length), message.start, messageSize, signature.start, size,
      );
      const outcome = result == Verification.Valid ? "valid" : result == Verification.Invalid ? "invalid" : "wrong";
      return new LocalReply(200).text(outcome).send();
    }`,
    `keys: VerificationKey[] = [];
    override configure(config: ConfigReader): void {
      const document = new JsonDocument();
      const text = new Text(config.string("jwks", ""));
      document.parse(text.encoded, text.length);
      for (let index = 0; index < document.root.count; index++) {
        this.keys.push(importJwk(document.root.element(index)).key!);
      }
    }`,
  );

eachHost("checking signatures", (start) => {
  let module: Uint8Array;
  let restricted: string[];
  beforeAll(async () => {
    module = await compileFilter(source);
    restricted = await allBut("proxy_call_foreign_function", module);
  });

  describe.each(["by the filter itself", "by the proxy if it can"])("%s:", (by) => {
    const startWith = async (jwks: object[]) => {
      const plugin: PluginOptions = { module, configuration: { jwks: JSON.stringify(jwks) } };
      if (by === "by the filter itself") plugin.allowedCapabilities = restricted;
      return await start({ plugins: [plugin] });
    };

    it.each(["ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512"])(
      "says whether a signature of %s is right, for every request",
      async (algorithm) => {
        const curve = { ES256: "P-256", ES384: "P-384", ES512: "P-521" }[algorithm];
        const pair =
          curve !== undefined
            ? generateKeyPairSync("ec", { namedCurve: curve })
            : algorithm === "EdDSA"
              ? generateKeyPairSync("ed25519")
              : generateKeyPairSync("rsa", { modulusLength: 2048 });
        await using host = await startWith([pair.publicKey.export({ format: "jwk" })]);
        const hash = algorithm === "EdDSA" ? null : `sha${algorithm.slice(2)}`;
        const signature = sign(hash, Buffer.from("message"), { key: pair.privateKey, dsaEncoding: "ieee-p1363" });
        expect(await ask(host, algorithm, 0, "message", signature)).toBe("valid");
        expect(await ask(host, algorithm, 0, "massage", signature)).toBe("invalid");
        expect(await ask(host, "HS256", 0, "message", signature)).toBe("wrong");
        expect(await ask(host, algorithm, 0, "message", signature.subarray(1))).toBe("invalid");
        expect(await ask(host, algorithm, 0, "message", signature)).toBe("valid");
      },
    );

    describe.skipIf(!hasVectors)(
      `Wycheproof${hasVectors ? "" : ": ATTACHE_VECTORS does not name a folder with vectors"}`,
      () => {
        it.each([
          ["ecdsa_secp256r1_sha256_p1363", "ES256"],
          ["ecdsa_secp384r1_sha384_p1363", "ES384"],
          ["ecdsa_secp521r1_sha512_p1363", "ES512"],
          ["rsa_signature_2048_sha256", "RS256"],
          ["rsa_signature_2048_sha384", "RS384"],
          ["rsa_signature_4096_sha512", "RS512"],
        ])("%s", { timeout: 60_000 }, async (file, algorithm) => {
          const list = readVectors(file);
          const keys = [...new Map(list.map(({ jwk }) => [JSON.stringify(jwk), jwk])).values()];
          await using host = await startWith(keys);
          for (const { place, jwk, message, signature, isValid } of list) {
            const outcome = await ask(host, algorithm, keys.indexOf(jwk), message, signature);
            expect(outcome, place).toBe(isValid ? "valid" : "invalid");
          }
        });
      },
    );
  });
});

async function ask(
  host: Awaited<ReturnType<StartHost>>,
  algorithm: string,
  key: number,
  message: Buffer | string,
  signature: Buffer,
): Promise<string> {
  const headers = {
    "x-key": String(key),
    "x-algorithm": algorithm,
    "x-message": Buffer.from(message).toString("base64url"),
    "x-signature": signature.toString("base64url"),
  };
  return (await host.fetch("/", { headers })).text();
}
