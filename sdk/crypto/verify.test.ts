import { generateKeyPairSync, sign } from "node:crypto";
import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

eachHost("checking signatures", (start) => {
  let filter: Uint8Array;
  beforeAll(async () => {
    filter = await compileFilter(
      `import { algorithmNamed, decodeBase64Url, importJwk, Verification, VerificationKey } from "@attache/sdk";
      import { JsonDocument } from "@attache/sdk/json";` +
        filterSource(
          `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
            const key = this.plugin.key!;
            const algorithm = headers.getBytes("x-algorithm")!;
            const message = headers.getBytes("x-message")!;
            const signature = headers.getBytes("x-signature")!;
            const size = decodeBase64Url(signature.start, signature.length, signature.start);
            const result = key.verify(
              algorithmNamed(algorithm.start, algorithm.length), message.start, message.length, signature.start, size,
            );
            log.info(result == Verification.Valid ? "valid" : result == Verification.Invalid ? "invalid" : "wrong");
            return FilterHeaders.Continue;
          }`,
          `key: VerificationKey | null = null;
          override configure(config: ConfigReader): void {
            const text = new Text(config.string("jwk", ""));
            const document = new JsonDocument();
            document.parse(text.encoded, text.length);
            this.key = importJwk(document.root).key;
          }`,
        ),
    );
  });

  it.each(["ES256", "EdDSA", "RS256"])(
    "%s: says whether a signature is right, for every request",
    async (algorithm) => {
      const pair =
        algorithm === "ES256"
          ? generateKeyPairSync("ec", { namedCurve: "P-256" })
          : algorithm === "EdDSA"
            ? generateKeyPairSync("ed25519")
            : generateKeyPairSync("rsa", { modulusLength: 2048 });
      const configuration = { jwk: JSON.stringify(pair.publicKey.export({ format: "jwk" })) };
      await using host = await start({ plugins: [{ module: filter, configuration }], clusters: { app: () => ({}) } });
      const hash = algorithm === "EdDSA" ? null : "sha256";
      const signature = sign(hash, Buffer.from("message"), { key: pair.privateKey, dsaEncoding: "ieee-p1363" });
      const headers = {
        "x-algorithm": algorithm,
        "x-message": "message",
        "x-signature": signature.toString("base64url"),
      };
      await host.fetch("/", { headers });
      await host.fetch("/", { headers: { ...headers, "x-message": "massage" } });
      await host.fetch("/", { headers: { ...headers, "x-algorithm": "HS256" } });
      await host.fetch("/", { headers });
      await expect.poll(() => host.logs.map(({ message }) => message)).toEqual(["valid", "invalid", "wrong", "valid"]);
    },
  );
});
