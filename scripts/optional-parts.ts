import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { buildRustGuests, rustGuestsAreBuilt } from "../test/conformance/rust/guests.ts";
import { extAuthz, opa } from "../test/e2e/authorization/program.ts";
import { buildRateLimitService, findRateLimitService } from "../test/e2e/ratelimit/program.ts";
import { buildIstio, findIstio } from "../test/e2e/istio/program.ts";

const run = promisify(execFile);

/** Something that only some suites use, and that `npm run setup -- --all` installs. */
export interface OptionalPart {
  name: string;
  /** What it is for. */
  purpose: string;
  isThere(): Promise<boolean>;
  install(progress: (line: string) => void): Promise<void>;
}

export const optionalParts: readonly OptionalPart[] = [
  debianPackage("wrk", "wrk", "load for benchmarks"),
  debianPackage("redis-server", "redis-server", "the global rate limit service's store"),
  debianPackage("prometheus", "prometheus", "metrics end to end"),
  debianPackage("docker-registry", "docker-registry", "pushing and pulling images"),
  {
    name: "Rust target wasm32-wasip1",
    purpose: "guests written with the Rust SDK",
    isThere: async () => (await output("rustup", "target", "list", "--installed")).includes("wasm32-wasip1"),
    install: async () => void (await run("rustup", ["target", "add", "wasm32-wasip1"])),
  },
  {
    name: "guests of the Rust SDK",
    purpose: "emulator and Envoy compared with guests that are not ours",
    isThere: async () => rustGuestsAreBuilt(),
    install: buildRustGuests,
  },
  {
    name: "Istio",
    purpose: "filters loaded through its control plane and agent",
    isThere: async () => (await findIstio()) !== null,
    install: buildIstio,
  },
  {
    name: "rate limit service",
    purpose: "limits that several proxies share",
    isThere: async () => (await findRateLimitService()) !== null,
    install: buildRateLimitService,
  },
  {
    name: "OPA",
    purpose: "external authorization by policies",
    isThere: async () => (await opa.find()) !== null,
    install: async (progress) => await opa.build(progress),
  },
  {
    name: "Istio's ext-authz sample",
    purpose: "external authorization over gRPC and HTTP",
    isThere: async () => (await extAuthz.find()) !== null,
    install: async (progress) => await extAuthz.build(progress),
  },
];

function debianPackage(name: string, program: string, purpose: string): OptionalPart {
  return {
    name,
    purpose,
    isThere: async () => (await output("sh", "-c", `command -v ${program}`)) !== "",
    install: async () => {
      // RUNLEVEL=1: a package's service is not started.
      const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
      const root = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
      const apt = [...root, "apt-get", "-qq", "-y", "-o", "Dpkg::Use-Pty=0"];
      const [command, ...words] = apt as [string, ...string[]];
      await run(command, [...words, "update"], { env });
      await run(command, [...words, "install", "--no-install-recommends", name], { env, maxBuffer: 1 << 26 });
    },
  };
}

/** What a program prints; empty when it fails or is not there. */
async function output(program: string, ...args: string[]): Promise<string> {
  return await run(program, args).then(
    ({ stdout }) => stdout.trim(),
    () => "",
  );
}
