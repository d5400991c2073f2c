import { Emulator, startEmulator, type Cluster } from "@attache/harness";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { writeProtobuf } from "../../harness/abi/protobuf.ts";
import { random } from "../../sdk/json/test-module.ts";
import { fuzzInputs, fuzzTimeout } from "../../test/fuzz-inputs.ts";
import { proxy } from "./external/testing.ts";

const next = random(71);

/** The bytes with some of them changed, left out or repeated. */
function changed(bytes: Uint8Array): Buffer {
  let result = Buffer.from(bytes);
  for (let count = 1 + next(4); count > 0; count--) {
    const at = next(result.length + 1);
    const [before, after] = [result.subarray(0, at), result.subarray(at)];
    const kind = next(4);
    if (kind === 0) result = Buffer.concat([before, Buffer.from([next(256)]), after.subarray(1)]);
    else if (kind === 1) result = Buffer.concat([before, after.subarray(1 + next(8))]);
    else if (kind === 2) result = Buffer.concat([before, Buffer.from([next(256), next(256)]), after]);
    else result = Buffer.concat([before, before.subarray(next(at + 1))]).subarray(0, 100_000);
  }
  return result;
}

const errorsOf = async (host: Emulator) => {
  expect(host.logs.filter(({ source }) => source === "proxy")).toEqual([]);
  return await host.metric("auth_policy.ext_authz_error");
};

describe("auth-policy and answers that are changed at random", () => {
  const inner = (...fields: Parameters<typeof writeProtobuf>[0]) =>
    Buffer.from(writeProtobuf(fields)).toString("latin1");
  const header = inner([1, inner([1, "x-user"], [2, "ann"])]);
  const checkResponses = [
    writeProtobuf([[1, ""], [3, inner([2, header], [5, "x-a"], [6, header])]]), // prettier-ignore
    writeProtobuf([[1, inner([1, 7])], [2, inner([1, inner([1, 401])], [2, header], [3, "no"])]]), // prettier-ignore
  ];
  const results = [
    { result: { allowed: true, headers: { "x-user": ["a", "b"] }, request_headers_to_remove: ["x-a"] } },
    { result: { allowed: false, http_status: 401, headers: { "x-why": "no" }, body: "no" } },
    { result: false },
  ].map((result) => Buffer.from(JSON.stringify(result)));

  it.each<[string, object, readonly Uint8Array[], (answer: () => Buffer) => Cluster]>([
    ["a gRPC service", { envoyExtAuthzGrpc: { cluster: "authz", statusOnError: 500 } }, checkResponses, (answer) => ({ grpc: () => ({ messages: [answer()] }) })], // prettier-ignore
    ["OPA", { opa: { cluster: "authz", statusOnError: 500 } }, results, (answer) => () => ({ body: answer() })],
  ])(
    "of %s never trap, and answer each request",
    async (_, provider, valid, cluster) => {
      let answer: Buffer = Buffer.alloc(0);
      await using host = await startEmulator(proxy([{ name: "authz", ...provider }], { authz: cluster(() => answer) }));
      const seen = new Set<number>();
      for (let round = 0; round < fuzzInputs(3000); round++) {
        answer = changed(valid[next(valid.length)]!);
        const fetched = host.fetch("/", { headers: { "x-user": "root" } });
        host.advance(10);
        seen.add((await fetched).status);
      }
      expect([200, 401, 500].filter((status) => !seen.has(status))).toEqual([]);
      expect(await errorsOf(host)).toBeGreaterThan(100);
    },
    fuzzTimeout(120_000),
  );

  it(
    "of an issuer never trap, and never verify what its keys do not",
    async () => {
      const { publicKey } = await generateKeyPair("ES256", { extractable: true });
      const { publicKey: rsa } = await generateKeyPair("RS256", { extractable: true });
      const { privateKey: another } = await generateKeyPair("ES256", { extractable: true });
      const keys = [{ ...(await exportJWK(publicKey)), kid: "a", use: "sig" }, await exportJWK(rsa)];
      const valid = Buffer.from(JSON.stringify({ keys }));
      const token = await new SignJWT({}).setProtectedHeader({ alg: "ES256" }).setIssuer("http://idp").sign(another);
      const rule = { issuer: "http://idp", jwksUri: "http://idp/keys", cluster: "idp" };
      const options = { requestAuthentication: [{ jwtRules: [rule] }], options: { jwksRefresh: "1s" } };
      let answer: Buffer = valid;
      await using host = await startEmulator(proxy([], { idp: () => ({ body: answer }) }, [], options));
      for (let round = 0; round < fuzzInputs(1000); round++) {
        answer = changed(valid);
        host.advance(1000);
        expect((await host.fetch("/", { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
      }
      expect(await host.metric("auth_policy.jwks_fetched")).toBeGreaterThan(10);
      expect(await host.metric("auth_policy.jwks_fetch_failed")).toBeGreaterThan(10);
      expect(host.logs.filter(({ source }) => source === "proxy")).toEqual([]);
    },
    fuzzTimeout(120_000),
  );
});
