/** Inputs that a test makes up: `short` in `npm test`, more in `npm run fuzz`, which sets `ATTACHE_FUZZ_INPUTS`. */
export function fuzzInputs(short: number): number {
  return Math.max(short, Number(process.env["ATTACHE_FUZZ_INPUTS"] ?? 0));
}

/** Time that such a test may take, in milliseconds. */
export function fuzzTimeout(short: number): number {
  return process.env["ATTACHE_FUZZ_INPUTS"] === undefined ? short : 3_600_000;
}
