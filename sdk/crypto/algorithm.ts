/** Signature algorithms of JSON Web Tokens (RFC 7518 §3.1, RFC 8037 §3.1); the numbers may change. */
export enum Algorithm {
  /** None of them; not the `none` of RFC 7518, which nothing here accepts. */
  Unknown,
  HS256,
  HS384,
  HS512,
  RS256,
  RS384,
  RS512,
  PS256,
  PS384,
  PS512,
  ES256,
  ES384,
  ES512,
  EdDSA,
}

/** The algorithm with the name of `length` bytes at `start`, in the right case. */
export function algorithmNamed(start: usize, length: i32): Algorithm {
  if (length != 5) return Algorithm.Unknown;
  const family = load<u16>(start);
  const size = load<u32>(start, 1) >> 8; // the three digits
  if (load<u32>(start) == 0x53446445 && load<u8>(start, 4) == 0x41) return Algorithm.EdDSA;
  const index = size == 0x363532 ? 0 : size == 0x343833 ? 1 : size == 0x323135 ? 2 : 3;
  if (index == 3) return Algorithm.Unknown;
  if (family == 0x5348) return Algorithm.HS256 + index;
  if (family == 0x5352) return Algorithm.RS256 + index;
  if (family == 0x5350) return Algorithm.PS256 + index;
  return family == 0x5345 ? Algorithm.ES256 + index : Algorithm.Unknown;
}
