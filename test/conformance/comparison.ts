import { startEmulator, type EnvoyVersion } from "@attache/harness";
import { startEnvoy } from "@attache/harness/envoy";
import { observe, parts, type Observation } from "./observation.ts";
import type { Scenario } from "./scenario.ts";

/** What one scenario came to: equal, or the lines where the hosts part. */
export interface Comparison {
  scenario: Scenario;
  emulator: Observation;
  envoy: Observation;
  /** Empty when both hosts agree and show what the scenario demands. */
  differences: readonly string[];
}

const mostAttempts = 8;

/**
 * Runs a scenario in both hosts, the emulator by the rules of a version of Envoy. A difference must show each time: on a busy machine the network can cut a body
 * anywhere, and an upstream can take milliseconds that are one digit longer.
 */
export async function compare(scenario: Scenario, envoyVersion?: EnvoyVersion): Promise<Comparison> {
  const version = envoyVersion === undefined ? {} : { envoyVersion };
  const emulator = await observe(scenario, (options) => startEmulator({ ...options, ...version }));
  for (let attempt = 1; ; attempt++) {
    const envoy = await observe(scenario, startEnvoy, emulator);
    const differences = [...differencesOf(scenario, emulator, envoy), ...demandsOf(scenario, emulator)];
    if (differences.length === 0 || attempt === mostAttempts) return { scenario, emulator, envoy, differences };
  }
}

export function differencesOf(scenario: Scenario, emulator: Observation, envoy: Observation): string[] {
  return parts.flatMap((part) => {
    if (part === "transcript" && scenario.isTranscriptLoose) return [];
    const [left, right] = [emulator[part], envoy[part]];
    const at = Array.from({ length: Math.max(left.length, right.length) }).findIndex((_, i) => left[i] !== right[i]);
    if (at < 0) return [];
    const before = left.slice(Math.max(0, at - 2), at).map((line) => `    both      ${line}`);
    return [
      [
        `  ${part}, line ${at + 1}:`,
        ...before,
        `    emulator  ${left[at] ?? "(nothing)"}`,
        `    envoy     ${right[at] ?? "(nothing)"}`,
      ].join("\n"),
    ];
  });
}

function demandsOf(scenario: Scenario, { answers, logs }: Observation): string[] {
  const missing = (scenario.logs ?? []).filter((text) => !logs.some((line) => line.includes(text)));
  const statuses = answers.map((answer) => answer.split(" ", 1)[0]!);
  const wanted = scenario.statuses?.map(String) ?? statuses;
  return [
    ...missing.map((text) => `  no log line contains ${JSON.stringify(text)}; there are\n    ${logs.join("\n    ")}`),
    ...(wanted.join() === statuses.join() ? [] : [`  answers ${statuses.join(", ")}, not ${wanted.join(", ")}`]),
  ];
}
