import {
  HarnessError,
  PluginRejectedError,
  startEmulator,
  type Cluster,
  type Emulator,
  type HeaderList,
  type HostOptions,
} from "@attache/harness";
import { complaintsOf } from "../commands/check-configuration.ts";
import type { Environment } from "../environment.ts";
import { Problem } from "../problem.ts";
import { fieldsIn, isFields, member, textIn, type Fields } from "./fields.ts";
import type { Configuration, Policy } from "./policies.ts";
import type { Questions } from "./questions.ts";
import type { Request } from "./request-file.ts";
import { send, type Outcome } from "./run.ts";

/** The cluster behind the filter. */
const upstreamCluster = "upstream";

export interface Decision {
  outcome: Outcome;
  /** What the upstream got; `null` when the request did not pass. */
  upstream: { method: string; path: string; headers: HeaderList } | null;
  /** What the filter warns of in its configuration. */
  notes: string[];
}

/** auth-policy in the emulator, with one request that it is asked about. */
export class FilterUnderTest {
  readonly #module: Uint8Array;
  readonly #configuration: Configuration;
  readonly #request: Request;
  readonly #environment: Environment;
  readonly #clusters: Record<string, Cluster> = { [upstreamCluster]: () => ({}) };
  /** Services that were asked, and the request does not say what they answer. */
  readonly #unknownServices = new Set<string>();

  constructor(module: Uint8Array, configuration: Configuration, request: Request, environment: Environment) {
    this.#module = module;
    this.#configuration = configuration;
    this.#request = request;
    this.#environment = environment;
  }

  /** What the filter does with the request. */
  async decide(): Promise<Decision> {
    await using host = await this.#start(this.#configuration);
    const notes = new Set(host.logs.map(({ message }) => this.#withNames(message)));
    await host.update(this.#options(this.#withStandIns(this.#configuration)));
    const outcome = await send(host, this.#request);
    for (const name of this.#unknownServices) {
      throw new Problem(`services.${name}: is missing: the request is one that the service is asked about`);
    }
    const [received] = host.requests(upstreamCluster);
    const upstream =
      received === undefined ? null : { method: received.method, path: received.path, headers: received.headers };
    return { outcome, upstream, notes: [...notes] };
  }

  /**
   * Whether each part that is asked about holds.
   *
   * @param custom `CUSTOM` policies that come first
   */
  async ask(questions: Questions, custom: readonly Policy[]): Promise<boolean[]> {
    if (questions.count === 0) return [];
    await using host = await this.#start(this.#withStandIns(questions.configuration(this.#configuration, custom)));
    const answers: boolean[] = [];
    for (let number = 0; number < questions.count; number++) {
      const { published } = await send(host, this.#request, questions.headersOf(number));
      answers.push(questions.holds(number, published));
    }
    return answers;
  }

  async #start(configuration: Configuration): Promise<Emulator> {
    try {
      return await startEmulator({ ...this.#options(configuration), startTime: this.#request.time, logLevel: "warn" });
    } catch (error) {
      if (!(error instanceof HarnessError)) throw error;
      const complaints = error instanceof PluginRejectedError ? complaintsOf(error) : [error.message];
      throw new Problem(complaints.map((complaint) => this.#withNames(complaint)).join("\n"));
    }
  }

  #options(configuration: Configuration): HostOptions {
    const plugin = { module: this.#module, name: "auth-policy", configuration, environment: this.#environment };
    return {
      plugins: [{ ...plugin, allowOnHeadersStopIteration: true }],
      clusters: this.#clusters,
      routes: [{ match: { prefix: "/" }, cluster: upstreamCluster }],
    };
  }

  #withStandIns(configuration: Configuration): Configuration {
    return { ...configuration, extensionProviders: configuration.extensionProviders.map((one) => this.#standIn(one)) };
  }

  /** A service in the place of a provider's that says what the request has of it, in OPA's form. */
  #standIn(provider: unknown): Fields {
    const name = textIn(provider, "name");
    const kind = ["envoyExtAuthzHttp", "envoyExtAuthzGrpc", "opa"].find((one) => isFields(member(provider, one)));
    const given = fieldsIn(provider, kind!);
    const cluster = `service ${name}`;
    const answer = this.#request.services[name];
    if (answer !== "unavailable") {
      this.#clusters[cluster] = () => {
        if (answer === undefined) this.#unknownServices.add(name);
        return { headers: { "content-type": "application/json" }, body: JSON.stringify({ result: answer ?? false }) };
      };
    }
    const kept = ["failOpen", "statusOnError", "includeRequestBodyInCheck"] as const;
    const options = kept
      .map((field) => [field, member(given, field)] as const)
      .filter(([, value]) => value !== undefined);
    return { name, opa: { cluster, ...Object.fromEntries(options) } };
  }

  /** A place in the configuration by the name of the resource that is there, if it is one. */
  #withNames(text: string): string {
    return text.replace(
      /^(authorizationPolicies|requestAuthentication)\[(\d+)\]\.?/,
      (place, list: keyof Configuration, at) => {
        const resource = (this.#configuration[list] as unknown[])[Number(at)];
        if (textIn(resource, "kind") === "") return place;
        const metadata = fieldsIn(resource, "metadata");
        const name = [textIn(metadata, "namespace"), textIn(metadata, "name")].filter((part) => part !== "").join("/");
        return `${textIn(resource, "kind")} ${name}: `;
      },
    );
  }
}
