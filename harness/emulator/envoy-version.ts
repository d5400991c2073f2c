import { HarnessError } from "../errors.ts";

/** Versions of Envoy whose differences are known: they were found by the scenarios, in 1.38.2, 1.39.0 to 1.39.3 and 1.40.0. */
export const envoyVersions = ["1.38", "1.39", "1.40"] as const;

export type EnvoyVersion = (typeof envoyVersions)[number];

/** What one version does otherwise than another. */
export interface EnvoyRules {
  readonly version: EnvoyVersion;
  /** Whether WASI functions of 1.39 are there; see `since` in the ABI table. */
  readonly hasLaterWasi: boolean;
  /** Whether `__main_void` is called where there is no `main`. */
  readonly callsMainVoid: boolean;
  /** So many frames of a trap are shown. */
  readonly backtraceFrames: number;
  /** Whether one line of a repeated header is enough for a route; else all of them are compared, joined. */
  readonly matchesAnyLine: boolean;
  /** Whether an upstream of a TCP listener is reset when the client resets. */
  readonly passesResetsOn: boolean;
  /** Whether plugins with other environment variables have a VM of their own; else they see those of the first one. */
  readonly separatesEnvironments: boolean;
  /** Whether plugins with other allowed capabilities have a VM of their own. */
  readonly separatesCapabilities: boolean;
}

export function rulesOf(version: EnvoyVersion): EnvoyRules {
  const age = envoyVersions.indexOf(version);
  if (age < 0) {
    throw new HarnessError("OPTION_INVALID", `envoyVersion: ${version} is none of ${envoyVersions.join(", ")}`);
  }
  const since = (first: EnvoyVersion) => age >= envoyVersions.indexOf(first);
  return {
    version,
    hasLaterWasi: since("1.39"),
    callsMainVoid: since("1.39"),
    backtraceFrames: since("1.39") ? 20 : 10,
    matchesAnyLine: since("1.39"),
    passesResetsOn: since("1.40"),
    separatesEnvironments: since("1.39"),
    separatesCapabilities: since("1.40"),
  };
}
