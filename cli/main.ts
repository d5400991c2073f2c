#!/usr/bin/env node
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { logLevels, type LogLevel } from "@attache/harness";
import packageJson from "./package.json" with { type: "json" };
import type { BuildOptions, BuildResult } from "./build.ts";
import { checkModule, describeModule } from "./commands/check.ts";
import { checkConfiguration, describeConfiguration, findFilter } from "./commands/check-configuration.ts";
import { describeReport, explainRequest, type ExplainOptions } from "./commands/explain.ts";
import { pack, pull, push } from "./commands/image.ts";
import { manifest, targets, type ManifestOptions, type Target } from "./commands/manifest.ts";
import { newProject, templates, type Template } from "./commands/new.ts";
import { serveCommand } from "./commands/serve.ts";
import { statsTags, statsTagsTargets, type StatsTagsTarget } from "./commands/stats-tags.ts";
import { verify, verifyPlugins, type VerifyOptions } from "./commands/verify.ts";
import { checkManifest, describeManifest } from "./manifest/check.ts";
import { failOpenNote } from "./manifest/traps.ts";
import { Problem } from "./problem.ts";
import { jsonOutput, textOutput } from "./serve/output.ts";
import type { SourceOptions } from "./serve/source.ts";

const program = new Command("attache")
  .description("Build, check and publish filters for Envoy and Istio.")
  .version(packageJson.version)
  .exitOverride()
  .showHelpAfterError("(attache --help tells more)")
  .addHelpText("after", "\nExit codes: 0 done, 1 something is wrong with what was given, 2 with the command line.");

const json = () => new Option("--json", "print the result as JSON");
const env = () =>
  new Option("--env <name=value>", "an environment variable of the filter; may be repeated").argParser(collect);
const insecure = () => new Option("--insecure", "speak plain HTTP to the registry; always with one on this machine");

program
  .command("new")
  .description("make a folder with a filter and its tests")
  .argument("<folder>", "folder to make; its name is the filter's")
  .addOption(
    new Option("--template <name>", "what the filter begins as").choices(Object.keys(templates)).default("hello"),
  )
  .addOption(json())
  .action(async (folder: string, { template, json }: { template: Template; json?: boolean }) => {
    const made = await newProject(folder, template);
    const next = `cd ${folder}\n  npm install\n  npm test`;
    show(json, made, `${folder}: a filter that ${templates[template].purpose}. Next:\n  ${next}`);
  });

program
  .command("test")
  .description("build the filter in this folder and run its tests with vitest")
  .argument("[vitest...]", "passed on to vitest, such as the name of a file")
  .allowUnknownOption()
  .action(async (args: string[]) => {
    const { test } = await import("./commands/test.ts");
    if ((await test(args)) !== 0) throw new Problem("the tests failed");
  });

program
  .command("build")
  .description("compile a filter and check that Envoy will load it")
  .argument("[source]", "the filter's folder or main file", ".")
  .option("--out <file>", "where the module goes (build/plugin.wasm in the filter's package)")
  .option("--debug", "keep function names and skip optimisation")
  .option("--source-map", "also write FILE.map; the module stays the same")
  .option("--sizes", "say what the module's bytes are, function by function; takes as long again")
  .option("--watch", "build again after each change, until interrupted")
  .addOption(json())
  .action(async (entry: string, { out, watch, json: asJson, ...rest }: BuildCommandOptions) => {
    // The compiler takes a while to load, and few commands need it.
    const { build } = await import("./build.ts");
    const { buildAndWatch, buildReport, describeBuild } = await import("./commands/build.ts");
    const options = { entry, ...(out === undefined ? {} : { outFile: out }), ...rest };
    const tell = (result: BuildResult) => show(asJson, buildReport(result), describeBuild(result));
    if (watch) await buildAndWatch(options, tell, complain, stopSignal());
    else tell(await build(options));
  });

program
  .command("serve")
  .description("run filters on a local port, and reload them when they change")
  .argument("[source]", "a filter's folder, a .wasm file, WasmPlugins or an envoy.yaml", ".")
  .option("--config <file>", "the filter's configuration, in YAML or JSON")
  .addOption(env())
  .option(
    "--upstream <url>",
    "http://HOST:PORT behind the filter; without it the proxy answers 200. tcp://HOST:PORT for TCP; without it an echo",
  )
  .option("--port <port>", "of the proxy on 127.0.0.1; 0 takes a free one", portOf, 10000)
  .addOption(new Option("--host <host>", "what runs the filters").choices(["emulator", "envoy"]).default("emulator"))
  .addOption(new Option("--log-level <level>", "of the filters' lines").choices(logLevels).default("info"))
  .addOption(json())
  .action(async (source: string, { host: kind, json, ...options }: ServeOptions) => {
    const write = (text: string) => void process.stdout.write(text);
    await serveCommand({ source, kind, ...options }, json ? jsonOutput(write) : textOutput(write), stopSignal());
  });

program
  .command("check")
  .description("say what is wrong with a module, a filter's configuration, a WasmPlugin or an EnvoyExtensionPolicy")
  .argument("<file>", "a .wasm file, a configuration (with --filter) or resources, in YAML or JSON")
  .option("--filter <source>", "the filter whose configuration the file is: its folder, or a .wasm file")
  .addOption(env())
  .option("--pull", "pull the images that resources name, judge them as `verify` does, and give each its configuration")
  .addOption(insecure())
  .addOption(json())
  .action(async (file: string, options: CheckOptions) => {
    if (options.filter !== undefined) {
      const report = await checkConfiguration(file, await findFilter(options.filter), options.env);
      show(options.json, report, describeConfiguration(report));
    } else if (/\.(ya?ml|json)$/.test(file)) {
      const report = await checkManifest(file);
      if (options.pull) await verifyPlugins(report.plugins, options);
      show(options.json, report, describeManifest(report));
    } else {
      const report = await checkModule(file);
      show(options.json, report, describeModule(report));
    }
  });

program
  .command("explain")
  .description("say what auth-policy does with a request, and why, by the filter itself")
  .argument("<policies>", "Istio's resources, a WasmPlugin or a configuration of auth-policy, in YAML or JSON")
  .argument("<request>", "the request, in YAML or JSON")
  .option(
    "--keys <issuer=file>",
    "keys of an issuer that would be fetched: a JSON Web Key Set; may be repeated",
    collect,
  )
  .addOption(env())
  .option("--filter <file>", "the module of auth-policy, if not that of the package @attache/auth-policy")
  .addOption(new Option("--expect <decision>", "exit with 1 if it is the other").choices(["allowed", "denied"]))
  .addOption(json())
  .action(async (policies: string, request: string, options: ExplainOptions & { json?: boolean }) => {
    const report = await explainRequest(policies, request, options);
    show(options.json, report.explanation, describeReport(report));
    const { decision } = report.explanation;
    if (decision !== (options.expect ?? decision))
      throw new Problem(`the request is ${decision}, not ${options.expect}`);
  });

program
  .command("pack")
  .description("write a module as an OCI image layout, the same bytes each time")
  .argument("[source]", "the filter's folder, or a .wasm file", ".")
  .requiredOption("--out <folder>", "folder to make")
  .addOption(json())
  .action(async (source: string, { out, json }: { out: string; json?: boolean }) => {
    const digest = await pack(source, out);
    show(json, { folder: out, digest }, `${out}: ${digest}`);
  });

program
  .command("push")
  .description("push a module as an image that Istio and Envoy Gateway pull")
  .argument("<source>", "the filter's folder, or a .wasm file")
  .argument("<image>", "HOST[:PORT]/NAME:TAG")
  .addOption(insecure())
  .addOption(json())
  .action(async (source: string, image: string, options: { insecure?: boolean; json?: boolean }) => {
    const digest = await push(source, image, options);
    show(options.json, { image, digest }, `${image}: ${digest}`);
  });

program
  .command("pull")
  .description("pull the module of an image, as Istio does")
  .argument("<image>", "HOST[:PORT]/NAME[:TAG][@DIGEST]")
  .option("--out <file>", "where the module goes", "plugin.wasm")
  .addOption(insecure())
  .addOption(json())
  .action(async (image: string, options: { out: string; insecure?: boolean; json?: boolean }) => {
    const { digest, module } = await pull(image, options.out, options);
    const text = `${options.out}: ${module.length.toLocaleString("en")} bytes, of ${digest}`;
    show(options.json, { file: options.out, bytes: module.length, digest }, text);
  });

program
  .command("verify")
  .description("say whether Istio and Envoy Gateway would take an image, and Envoy its module")
  .argument("<image>", "HOST[:PORT]/NAME[:TAG][@DIGEST]")
  .option("--sha256 <digest>", "what the WasmPlugin names beside the image")
  .addOption(insecure())
  .addOption(json())
  .action(async (image: string, options: VerifyOptions & { json?: boolean }) => {
    const { digest, reference, module } = await verify(image, options);
    show(options.json, { image: reference, digest, bytes: module.length }, `${reference}: accepted, ${digest}`);
  });

program
  .command("manifest")
  .description("print the resource that loads a filter: WasmPlugin, EnvoyExtensionPolicy or an http_filters entry")
  .argument("<name>", "name of the resource")
  .requiredOption("--url <url>", "oci://…, https://… or file://…")
  .addOption(new Option("--for <target>", "who loads it").choices(targets).default("istio"))
  .option("--namespace <namespace>", "where the resource lives")
  .option("--config <file>", "the filter's configuration, in YAML or JSON")
  .option("--sha256 <digest>", "digest of the image, as push prints it")
  .option("--phase <phase>", "AUTHN, AUTHZ or STATS (Istio)")
  .option("--selector <label...>", "workloads, as LABEL=VALUE (Istio)")
  .addOption(
    new Option("--env <name[=value]>", "an environment variable, or one of the proxy's own; may be repeated").argParser(
      collect,
    ),
  )
  .option("--fail-open", "let requests pass when the filter cannot be loaded or fails")
  .action(
    async (name: string, { for: target, ...options }: Omit<ManifestOptions, "name" | "target"> & { for: Target }) => {
      process.stdout.write(await manifest({ name, target, ...options }));
      if (target === "istio" && options.failOpen) process.stderr.write(`attache: note: ${failOpenNote}\n`);
    },
  );

program
  .command("stats-tags")
  .description("print what makes labels of the series that the filter metrics names: stats_tags, or Istio's annotation")
  .argument("<config>", "the filter's configuration, in YAML or JSON")
  .addOption(new Option("--for <target>", "whose configuration to print").choices(statsTagsTargets).default("envoy"))
  .action(async (config: string, { for: target }: { for: StatsTagsTarget }) => {
    process.stdout.write(await statsTags(config, target));
  });

interface BuildCommandOptions extends Pick<BuildOptions, "debug" | "sourceMap" | "sizes"> {
  out?: string;
  watch?: boolean;
  json?: boolean;
}

interface CheckOptions {
  filter?: string;
  env?: string[];
  pull?: boolean;
  insecure?: boolean;
  json?: boolean;
}

interface ServeOptions extends SourceOptions {
  host: "emulator" | "envoy";
  port: number;
  logLevel: LogLevel;
  json?: boolean;
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65536) return port;
  throw new InvalidArgumentError("It is a whole number below 65536.");
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    await program.parseAsync();
    return 0;
  } catch (error) {
    // What is wrong with the command line has been said by then.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof Problem)) throw error;
    complain(error.message);
    return 1;
  }
}

function complain(message: string): void {
  process.stderr.write(`${message.replace(/^/gm, "attache: ")}\n`);
}

/** Given when the command is interrupted. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

function show(asJson: boolean | undefined, value: object, text: string): void {
  process.stdout.write(`${asJson ? JSON.stringify(value) : text}\n`);
}
