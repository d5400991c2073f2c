// What the SDK does without the proxy, each thing as often as it is told: beside crates of Rust in bench/rust-kernels.
import {
  Algorithm,
  base64UrlSize,
  ByteView,
  decodeBase64Url,
  encodeBase64Url,
  importJwk,
  isUtf8,
  JsonDocument,
  Plugin,
  Regex,
  registerPlugin,
  Sha256,
  Verification,
  VerificationKey,
} from "@attache/sdk";
export * from "@attache/sdk/proxy";

// A filter, so that it is compiled as one.
class Main extends Plugin {}
registerPlugin(() => new Main());

/** The same in Rust. */
const enum Kernel {
  Sha256,
  EncodeBase64,
  DecodeBase64,
  Json,
  Utf8,
  Regex,
  Rsa,
  P256,
  Ed25519,
}

let bytes = new StaticArray<u8>(0);
let output = new StaticArray<u8>(0);
let regex: Regex | null = null;
let key: VerificationKey | null = null;
const document = new JsonDocument();
const hash = new Sha256();

/** Room for `size` bytes of input. */
export function input(size: i32): usize {
  bytes = new StaticArray<u8>(size);
  output = new StaticArray<u8>(size * 2 + 32);
  return changetype<usize>(bytes);
}

/** Takes what is in the input for a pattern, or a public key as a JWK. */
export function prepare(kernel: Kernel): void {
  const text = ByteView.of(changetype<usize>(bytes), bytes.length);
  if (kernel == Kernel.Regex) {
    regex = new Regex(text.toString());
  } else {
    document.parse(text.start, text.length);
    key = importJwk(document.root).key;
  }
}

/** Does it so often; a number that tells whether it did. */
export function run(kernel: Kernel, times: i32): i32 {
  let sum = 0;
  for (let n = 0; n < times; n++) sum += once(kernel, changetype<usize>(bytes), bytes.length);
  // As after each callback.
  __collect();
  return sum;
}

/** Bytes of the message in front of a signature. */
const MESSAGE: i32 = 32;

function once(kernel: Kernel, start: usize, length: i32): i32 {
  const to = changetype<usize>(output);
  switch (kernel) {
    case Kernel.Sha256:
      hash.update(start, length).digest(to);
      return load<u8>(to);
    case Kernel.EncodeBase64:
      encodeBase64Url(start, length, to);
      return <i32>base64UrlSize(length);
    case Kernel.DecodeBase64:
      return decodeBase64Url(start, length, to);
    case Kernel.Json:
      document.parse(start, length);
      return document.root.member("sub").length;
    case Kernel.Utf8:
      return <i32>isUtf8(start, length);
    case Kernel.Regex:
      return <i32>regex!.matches(start, length);
    case Kernel.Rsa:
      return verify(Algorithm.RS256, start, length);
    case Kernel.P256:
      return verify(Algorithm.ES256, start, length);
    default:
      return verify(Algorithm.EdDSA, start, length);
  }
}

function verify(algorithm: Algorithm, start: usize, length: i32): i32 {
  const result = key!.verify(algorithm, start, MESSAGE, start + MESSAGE, length - MESSAGE);
  return <i32>(result == Verification.Valid);
}
