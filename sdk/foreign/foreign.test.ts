import { constants, generateKeyPairSync, privateEncrypt, sign, verify, type KeyObject } from "node:crypto";
import { eachHost } from "@attache/harness/vitest";
import { startEmulator } from "@attache/harness";
import { beforeAll, describe, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ed = generateKeyPairSync("ed25519");
const data = Buffer.from("signed");

const spki = (key: KeyObject) => key.export({ type: "spki", format: "der" });
const pkcs8 = (key: KeyObject) => key.export({ type: "pkcs8", format: "der" });
const signed = sign("sha256", data, rsa.privateKey);
const pem = rsa.publicKey.export({ type: "spki", format: "pem" }) as string;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** A protobuf message of length-delimited fields. */
function message(fields: Record<number, string | Uint8Array>): Buffer {
  return Buffer.concat(
    Object.entries(fields).flatMap(([field, value]) => {
      const bytes = Buffer.from(value as string);
      const size = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
      return [Buffer.of((Number(field) << 3) | 2, ...size), bytes];
    }),
  );
}

/** A status of 0 with the error as the field of this number. */
function failed(field: number, error: string): string {
  return `0 ${hex(message({ [field]: error }))}`;
}

const noPrivateKey = "Invalid key type: private key required for signing operation.";

const source = filterSource(
  `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const path = headers.get(":path")!;
    if (path.startsWith("/verify")) {
      const result = envoy.verifySignature(headers.get("hash")!, bytesOf(headers.get("key")!),
        bytesOf(headers.get("signature")!), bytesOf(headers.get("data")!));
      headers.set("result", (<i32>result).toString());
    } else if (path.startsWith("/sign")) {
      const result = envoy.sign(headers.get("hash")!, bytesOf(headers.get("key")!), bytesOf(headers.get("data")!));
      headers.set("result", result === null ? "none" : hexOf(result));
    } else if (path.startsWith("/compress")) {
      const small = envoy.compress(ByteView.ofText("a".repeat(1000)))!;
      const back = envoy.uncompress(small)!;
      headers.set("result", (small.length < 50).toString() + " " + back.length.toString() + " " +
        (envoy.uncompress(ByteView.ofText("junk")) === null).toString());
    } else if (path.startsWith("/call")) {
      const called = new ForeignFunction(headers.get("name")!);
      const result = called.call(bytesOf(headers.get("args")!));
      headers.set("result", called.status.toString() + " " + (result === null ? "none" : hexOf(result)));
    } else if (path.startsWith("/state")) {
      const declared = envoy.declareProperty("late", LifeSpan.Request, PropertyType.Text, true);
      const again = envoy.declareProperty("late");
      const once = setProperty("note", "a"), twice = setProperty("note", "b");
      const late = setProperty("late", "a"), later = setProperty("late", "b");
      const known = envoy.setFilterState("envoy.tcp_proxy.cluster", "c");
      const strange = envoy.setFilterState("nobody.knows", "c");
      headers.set("result", "declared " + this.plugin.declared.toString() + " " + declared.toString() + " " +
        again.toString() + ", set " + once.toString() + " " + twice.toString() + ", late " + late.toString() + " " +
        later.toString() + ", state " + known.toString() + " " + strange.toString());
    } else if (path.startsWith("/cel")) {
      const sum = Expression.compile("request.headers['x-team'] == 'core' && request.method == 'GET'");
      const text = Expression.compile("request.path + '!'"), absent = Expression.compile("request.headers['nope']");
      if (sum === null || text === null || absent === null) {
        headers.set("result", "no CEL");
        return FilterHeaders.Continue;
      }
      const broken = Expression.compile("1 +") === null;
      const truth = attributeBool(sum.evaluate()), said = attributeText(text.evaluate())!;
      const missing = absent.evaluate() === null, released = sum.release(), gone = sum.evaluate() === null;
      headers.set("result", truth.toString() + " " + said + " " + missing.toString() + " " + broken.toString() + " " +
        released.toString() + " " + gone.toString());
    } else if (path.startsWith("/route")) {
      headers.set("result", envoy.clearRouteCache().toString());
    }
    return FilterHeaders.Continue;
  }`,
  `declared: bool = false;
  override onForeignFunction(functionId: u32, args: ByteView): void {
    log.info("called " + functionId.toString() + " '" + args.toString() + "'");
  }
  override configure(config: ConfigReader): void {
    this.declared = envoy.declareProperty("note", LifeSpan.Request, PropertyType.Text, true);
  }`,
)
  .replace(
    "import {",
    "import { attributeBool, attributeText, envoy, Expression, ForeignFunction, LifeSpan, PropertyType, setProperty,",
  )
  .replace(
    "registerPlugin(",
    `function bytesOf(hex: string): ByteView {
      const bytes = new Uint8Array(hex.length / 2);
      for (let at = 0; at < bytes.length; at++) bytes[at] = <u8>parseInt(hex.substr(at * 2, 2), 16);
      return ByteView.from(bytes);
    }
    function hexOf(bytes: ByteView): string {
      let hex = "";
      for (let at = 0; at < bytes.length; at++) hex += (bytes.at(at) >> 4).toString(16) + (bytes.at(at) & 15).toString(16);
      return hex;
    }
    registerPlugin(`,
  );

eachHost("foreign functions", (start) => {
  let module: Uint8Array;
  beforeAll(async () => {
    module = await compileFilter(source);
  });

  const ask = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
    await using host = await start({ plugins: [{ module }], clusters: { echo: () => ({}) } });
    await host.fetch(path, { headers });
    return host.requests("echo")[0]!.header("result")!;
  };

  const check = async (hash: string, key: Uint8Array, signature: Uint8Array) =>
    await ask("/verify", { hash, key: hex(key), signature: hex(signature), data: hex(data) });

  it("compress and give back; junk is refused", async () => {
    expect(await ask("/compress")).toBe("true 1000 true");
  });

  it.each<[string, string, Uint8Array, string]>([
    ["that do not exist", "nobody.knows", Buffer.of(), "1 none"],
    ["that are given junk", "uncompress", Buffer.from("junk"), "3 none"],
    ["verify_signature without anything", "verify_signature", Buffer.of(), "2 none"],
    ["verify_signature with junk", "verify_signature", Buffer.from("junk"), "2 none"],
    ["verify_signature by no key", "verify_signature", message({ 1: "sha256", 3: "s", 4: "t" }), "2 none"],
    [
      "verify_signature by two keys",
      "verify_signature",
      message({ 1: "sha256", 2: "k", 3: "s", 4: "t", 5: pem }),
      "2 none",
    ],
    [
      "verify_signature by a key in PEM",
      "verify_signature",
      message({ 1: "sha256", 3: signed, 4: data, 5: pem }),
      "0 0801",
    ],
    [
      "verify_signature by a bad PEM",
      "verify_signature",
      message({ 1: "sha256", 3: signed, 4: data, 5: "k" }),
      failed(2, "Failed to initialize digest verify."),
    ],
    [
      "verify_signature by a bad key",
      "verify_signature",
      message({ 1: "sha256", 2: "k", 3: signed, 4: data }),
      failed(2, "Failed to initialize digest verify."),
    ],
    [
      "verify_signature with an unknown hash",
      "verify_signature",
      message({ 1: "MD5", 3: signed, 4: data, 5: "k" }),
      failed(2, "MD5 is not supported."),
    ],
    [
      "verify_signature with a wrong signature",
      "verify_signature",
      message({ 1: "sha256", 3: "s", 4: data, 5: pem }),
      failed(2, "Failed to verify digest. Error code: 0"),
    ],
    ["sign without anything", "sign", Buffer.of(), "2 none"],
    ["sign with junk", "sign", Buffer.from("junk"), "2 none"],
    ["sign by two keys", "sign", message({ 1: "sha256", 2: "k", 3: "t", 4: "k" }), "2 none"],
    ["sign by a bad key", "sign", message({ 1: "sha256", 2: "k", 3: "t" }), failed(3, noPrivateKey)],
    ["sign by a bad PEM", "sign", message({ 1: "sha256", 3: "t", 4: "k" }), failed(3, noPrivateKey)],
    ["sign by a public key", "sign", message({ 1: "sha256", 2: spki(rsa.publicKey), 3: "t" }), failed(3, noPrivateKey)],
    [
      "sign by an Ed25519 key",
      "sign",
      message({ 1: "sha256", 2: pkcs8(ed.privateKey), 3: "t" }),
      failed(3, "Invalid private key: key data is corrupted or malformed."),
    ],
    ["sign with an unknown hash", "sign", message({ 1: "MD5", 2: "k", 3: "t" }), failed(3, "MD5 is not supported.")],
    [
      "sign by PKCS #1",
      "sign",
      message({ 1: "sha256", 2: rsa.privateKey.export({ type: "pkcs1", format: "der" }), 3: "t" }),
      failed(3, noPrivateKey),
    ],
  ])("answer raw calls: %s", async (_name, name, args, expected) => {
    expect(await ask("/call", { name, args: hex(args) })).toBe(expected);
  });

  it("declare properties and set filter state", async () => {
    expect(await ask("/state")).toBe("declared true true false, set true false, late true true, state true false");
  });

  it("compile and evaluate CEL", async () => {
    const result = await ask("/cel?q", { "x-team": "core" });
    expect(result).toBe("true /cel?q! true true true true");
  });

  it("clear the route cache", async () => {
    expect(await ask("/route")).toBe("true");
  });

  describe("verify signatures", () => {
    it.each(["sha1", "sha224", "sha256", "sha384", "sha512"])("RSA and ECDSA with %s", async (hash) => {
      expect(await check(hash, spki(rsa.publicKey), sign(hash, data, rsa.privateKey))).toBe("0");
      expect(await check(hash, spki(ec.publicKey), sign(hash, data, ec.privateKey))).toBe("0");
    });

    it.each<[string, string, Uint8Array, Uint8Array, string]>([
      ["of other data", "sha256", spki(rsa.publicKey), sign("sha256", Buffer.from("other"), rsa.privateKey), "1"],
      ["with another hash", "sha512", spki(rsa.publicKey), sign("sha256", data, rsa.privateKey), "1"],
      ["with an unknown hash", "md5", spki(rsa.publicKey), sign("md5", data, rsa.privateKey), "1"],
      ["without a hash", "", spki(rsa.publicKey), sign("sha256", data, rsa.privateKey), "1"],
      ["with a hash in upper case", "SHA256", spki(rsa.publicKey), sign("sha256", data, rsa.privateKey), "0"],
      ["that is empty", "sha256", spki(rsa.publicKey), new Uint8Array(0), "1"],
      ["of the other kind of key", "sha256", spki(ec.publicKey), sign("sha256", data, rsa.privateKey), "1"],
      ["by a key that is none", "sha256", Buffer.from("junk"), sign("sha256", data, rsa.privateKey), "1"],
      ["by a private key", "sha256", pkcs8(rsa.privateKey), sign("sha256", data, rsa.privateKey), "1"],
      ["by no key", "sha256", new Uint8Array(0), sign("sha256", data, rsa.privateKey), "1"],
      ["by an Ed25519 key", "sha256", spki(ed.publicKey), sign(null, data, ed.privateKey), "1"],
      [
        "RSA-PSS",
        "sha256",
        spki(rsa.publicKey),
        sign("sha256", data, { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING }),
        "1",
      ],
      [
        "ECDSA not in DER",
        "sha256",
        spki(ec.publicKey),
        sign("sha256", data, { key: ec.privateKey, dsaEncoding: "ieee-p1363" }),
        "1",
      ],
      ["RSA without a hash's name inside", "sha256", spki(rsa.publicKey), privateEncrypt(rsa.privateKey, data), "1"],
      [
        "by a key with more behind it",
        "sha256",
        Buffer.concat([spki(rsa.publicKey), data]),
        sign("sha256", data, rsa.privateKey),
        "0",
      ],
    ])("%s", async (_name, hash, key, signature, expected) => {
      expect(await check(hash, key, signature)).toBe(expected);
    });
  });

  it("sign with RSA and ECDSA keys", async () => {
    for (const { privateKey, publicKey } of [rsa, ec]) {
      const signature = await ask("/sign", { hash: "sha256", key: hex(pkcs8(privateKey)), data: hex(data) });
      expect(verify("sha256", data, publicKey, Buffer.from(signature, "hex"))).toBe(true);
    }
    expect(await ask("/sign", { hash: "sha256", key: hex(spki(rsa.publicKey)), data: hex(data) })).toBe("none");
    expect(await ask("/sign", { hash: "md5", key: hex(pkcs8(rsa.privateKey)), data: hex(data) })).toBe("none");
    expect(await ask("/sign", { hash: "sha256", key: hex(pkcs8(ed.privateKey)), data: hex(data) })).toBe("none");
  });
});

// Envoy takes foreign functions from C++ extensions only, and calls none of a plugin's.
describe("foreign functions of an extension [emulator]", () => {
  it("are called by name, and call the plugin on every thread", async () => {
    const module = await compileFilter(source);
    await using host = await startEmulator({
      plugins: [{ module }],
      clusters: { echo: () => ({}) },
      foreignFunctions: { reverse: (args) => args.toReversed(), refuse: () => 2 },
    });
    await host.fetch("/call", { headers: { name: "reverse", args: "010203" } });
    await host.fetch("/call", { headers: { name: "refuse", args: "" } });
    expect(host.requests("echo").map((request) => request.header("result"))).toEqual(["0 030201", "2 none"]);
    host.callForeignFunction(0, 7, Buffer.from("hi"));
    host.callForeignFunction(0, 8, new Uint8Array(0));
    expect(host.logs.map(({ message }) => message)).toEqual([
      "called 7 'hi'",
      "called 7 'hi'",
      "called 8 ''",
      "called 8 ''",
    ]);
  });
});
