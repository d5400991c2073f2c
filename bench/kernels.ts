import { createHash, createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import type { LocalCase, Result } from "./case.ts";
import { builders, buildRustKernels } from "./modules.ts";
import { load } from "./stub-host.ts";
import { summary } from "./summary.ts";

interface Kernel {
  name: string;
  crate: string;
  input: Uint8Array;
  /** The pattern or public key, as each takes it. */
  prepare?: { ours: Uint8Array; rust: Uint8Array };
  /** How often in one round. */
  times: number;
  /** What each run must say. */
  result: number;
}

interface Exports {
  memory: WebAssembly.Memory;
  input(size: number): number;
  prepare(kernel: number): void;
  run(kernel: number, times: number): number;
}

const kibibyte = Buffer.alloc(1024, "All that is sent is read. ");
const encoded = Buffer.from(kibibyte.toString("base64url"));
const claims = {
  iss: "https://issuer.example",
  sub: "00u1b2c3d4",
  aud: ["shop", "payments"],
  exp: 1_900_000_000,
  iat: 1_800_000_000,
  realm_access: { roles: ["reader", "writer", "offline_access"] },
  address: { street: "Hauptstraße 1", city: "Köln" },
  email_verified: true,
  groups: Array.from({ length: 20 }, (_, i) => `group-${i}`),
};
const pattern = Buffer.from("/api/v[0-9]+/(users|orders)/[^/]+(/items)?");
const path = Buffer.from("/api/v12/orders/8c6976e5b5410415bde908bd/items");

const message = Buffer.alloc(32, "m");

function signed(
  name: string,
  crate: string,
  pair: { privateKey: KeyObject; publicKey: KeyObject },
  rust: Uint8Array,
  times: number,
): Kernel {
  const hash = pair.publicKey.asymmetricKeyType === "ed25519" ? null : "sha256";
  const signature = sign(hash, message, { key: pair.privateKey, dsaEncoding: "ieee-p1363" });
  const ours = Buffer.from(JSON.stringify(pair.publicKey.export({ format: "jwk" })));
  return { name, crate, input: Buffer.concat([message, signature]), prepare: { ours, rust }, times, result: 1 };
}

const bytesOf = (text: string | undefined) => Buffer.from(text!, "base64url");
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ed25519 = generateKeyPairSync("ed25519");
const jwkOf = (key: KeyObject) => createPublicKey(key).export({ format: "jwk" });
const point = jwkOf(p256.privateKey);

/** In the order of their numbers in both modules. */
const kernels: readonly Kernel[] = [
  {
    name: "SHA-256 of 1 KiB",
    crate: "sha2",
    input: kibibyte,
    times: 20_000,
    result: createHash("sha256").update(kibibyte).digest()[0]!,
  },
  { name: "base64url of 1 KiB", crate: "base64", input: kibibyte, times: 100_000, result: encoded.length },
  { name: "base64url to 1 KiB", crate: "base64", input: encoded, times: 100_000, result: kibibyte.length },
  {
    name: "JSON: claims of a token, one of them read",
    crate: "serde_json",
    input: Buffer.from(JSON.stringify(claims)),
    times: 20_000,
    result: claims.sub.length,
  },
  { name: "UTF-8: 1 KiB checked", crate: "simdutf8", input: kibibyte, times: 200_000, result: 1 },
  {
    name: "regular expression: a path of 46 bytes",
    crate: "regex",
    input: path,
    prepare: { ours: pattern, rust: pattern },
    times: 500_000,
    result: 1,
  },
  signed("RSA-2048 (RS256) verified", "rsa", rsa, bytesOf(jwkOf(rsa.privateKey).n), 200),
  signed(
    "ECDSA P-256 (ES256) verified",
    "p256",
    p256,
    Buffer.concat([Buffer.of(4), bytesOf(point.x), bytesOf(point.y)]),
    100,
  ),
  signed("Ed25519 verified", "ed25519-dalek", ed25519, bytesOf(jwkOf(ed25519.privateKey).x), 100),
];

export const kernelsCase: LocalCase = {
  name: "kernels",
  what: "what the SDK does without the proxy, beside crates of Rust, both in Node's V8",
  measure,
};

async function measure(rounds: number): Promise<Result[]> {
  const ours = await load<Exports>(await builders.ours("kernels"));
  const rust = await buildRustKernels()
    .then((file) => load<Exports>(file))
    .catch((error: Error) => {
      console.log(`  Rust's crates: LEFT OUT: ${error.message.split("\n", 1)[0]}`);
      return null;
    });
  const results: Result[] = [];
  for (const [number, kernel] of kernels.entries()) {
    const sides = [
      { name: `${kernel.name}, Attaché`, module: ours, key: kernel.prepare?.ours, taken: [] as number[] },
      ...(rust === null
        ? []
        : [{ name: `${kernel.name}, crate ${kernel.crate}`, module: rust, key: kernel.prepare?.rust, taken: [] }]),
    ];
    for (const { module, key } of sides) {
      if (key !== undefined) {
        fill(module, key);
        module.prepare(number);
      }
      fill(module, kernel.input);
    }
    // The first round only warms up.
    for (let round = 0; round <= rounds; round++) {
      for (const { name, module, taken } of round % 2 === 0 ? sides : sides.toReversed()) {
        const before = process.cpuUsage();
        const sum = module.run(number, kernel.times);
        const { user, system } = process.cpuUsage(before);
        if (sum !== kernel.result * kernel.times) throw new Error(`${name}: a wrong result`);
        if (round > 0) taken.push((user + system) / kernel.times);
      }
    }
    results.push(...sides.map(({ name, taken }) => ({ name, microseconds: summary(taken) })));
  }
  return results;
}

function fill(module: Exports, bytes: Uint8Array): void {
  const start = module.input(bytes.length);
  new Uint8Array(module.memory.buffer).set(bytes, start);
}
