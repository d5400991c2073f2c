import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { Problem } from "../problem.ts";
import type { ImageSource } from "./acceptance.ts";
import { digestOf, mediaTypes, type Blob, type Image } from "./image.ts";
import { formatReference, type Reference } from "./reference.ts";

export interface RegistryOptions {
  /** Speaks plain HTTP; always with a registry on this machine. */
  insecure?: boolean;
}

/** More than Istio takes: 256 MiB. */
const largestBlob = 256 * 1024 * 1024;
const timeoutMs = 60_000;

/**
 * One repository of a registry, over the OCI distribution API. Credentials are those `docker login` has saved in
 * `$DOCKER_CONFIG/config.json`.
 */
export class Registry implements ImageSource {
  readonly #reference: Reference;
  readonly #base: string;
  #authorization: string | null = null;

  constructor(reference: Reference, { insecure = false }: RegistryOptions = {}) {
    this.#reference = reference;
    const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|$)/.test(reference.registry);
    this.#base = `${insecure || isLocal ? "http" : "https"}://${reference.registry}/v2/${reference.repository}`;
  }

  /** Sends what the registry lacks, the manifest last: an interrupted push leaves no image behind. */
  async push({ layer, config, manifest }: Image): Promise<void> {
    for (const blob of [layer, config]) await this.#pushBlob(blob);
    const { version } = this.#reference;
    const response = await this.#send(`/manifests/${version}`, {
      method: "PUT",
      headers: { "content-type": mediaTypes.manifest },
      body: manifest.bytes,
    });
    await this.#expect(response, [201], "did not take the image");
  }

  /** The manifest of a tag or digest, with its type. */
  async manifest(version: string): Promise<{ mediaType: string; blob: Blob }> {
    const { manifest, dockerManifest, index, dockerIndex } = mediaTypes;
    const accept = [manifest, dockerManifest, index, dockerIndex].join(", ");
    const response = await this.#send(`/manifests/${version}`, { headers: { accept } });
    if (response.status === 404) throw new Problem(`${this.#name}: the registry has no such image`);
    await this.#expect(response, [200], "did not give the image");
    const bytes = await this.#body(response);
    const digest = digestOf(bytes);
    if (version.startsWith("sha256:") && digest !== version) {
      throw new Problem(`${this.#name}: the registry gave an image whose digest is ${digest}: it was tampered with`);
    }
    return { mediaType: response.headers.get("content-type")?.split(";")[0] ?? "", blob: { digest, bytes } };
  }

  /** A blob whose digest is checked. */
  async blob(digest: string): Promise<Uint8Array> {
    const response = await this.#send(`/blobs/${digest}`, {});
    await this.#expect(response, [200], `did not give ${digest}`);
    const bytes = await this.#body(response);
    const found = digestOf(bytes);
    if (found === digest) return bytes;
    throw new Problem(`${this.#name}: the registry gave ${found} for ${digest}: the blob was tampered with`);
  }

  get #name(): string {
    return formatReference(this.#reference);
  }

  async #pushBlob({ digest, bytes }: Blob): Promise<void> {
    if ((await this.#send(`/blobs/${digest}`, { method: "HEAD" })).ok) return;
    const begun = await this.#send("/blobs/uploads/", { method: "POST" });
    await this.#expect(begun, [202], "does not take uploads");
    const location = new URL(begun.headers.get("location") ?? "", this.#base);
    location.searchParams.set("digest", digest);
    const headers = { "content-type": "application/octet-stream" };
    const done = await this.#send(location, { method: "PUT", headers, body: bytes });
    await this.#expect(done, [201], `did not take ${digest}`);
  }

  async #send(path: string | URL, init: RequestInit & { body?: Uint8Array }): Promise<Response> {
    const response = await this.#fetch(path, init);
    if (response.status !== 401) return response;
    const challenge = response.headers.get("www-authenticate") ?? "";
    this.#authorization = await this.#authorize(challenge);
    const again = await this.#fetch(path, init);
    if (again.status !== 401 && again.status !== 403) return again;
    throw new Problem(
      `${this.#name}: the registry refuses the credentials: run \`docker login ${this.#reference.registry}\``,
    );
  }

  async #fetch(path: string | URL, init: RequestInit & { body?: Uint8Array }): Promise<Response> {
    const url = path instanceof URL ? path : `${this.#base}${path}`;
    const headers = new Headers(init.headers);
    // An upload can be sent to another host, which must not see the credentials.
    const isOwn = new URL(url).host === new URL(this.#base).host;
    if (this.#authorization !== null && isOwn) headers.set("authorization", this.#authorization);
    try {
      return await fetch(url, { ...init, headers, signal: AbortSignal.timeout(timeoutMs) } as RequestInit);
    } catch (error) {
      throw new Problem(`${this.#name}: cannot reach the registry: ${reasonOf(error as Error)}`);
    }
  }

  /** Basic credentials, or a token for them from where the registry says. */
  async #authorize(challenge: string): Promise<string | null> {
    const basic = await savedCredentials(this.#reference.registry);
    if (!/^bearer/i.test(challenge)) return basic;
    const fields = Object.fromEntries(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]),
    );
    const realm = fields["realm"];
    if (realm === undefined) return basic;
    const url = new URL(realm);
    if (fields["service"] !== undefined) url.searchParams.set("service", fields["service"]);
    url.searchParams.set("scope", fields["scope"] ?? `repository:${this.#reference.repository}:pull,push`);
    const headers: Record<string, string> = basic === null ? {} : { authorization: basic };
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(timeoutMs) }).catch(() => null);
    const answer = (await response?.json().catch(() => null)) as { token?: string; access_token?: string } | null;
    const token = answer?.token ?? answer?.access_token;
    return token === undefined ? null : `Bearer ${token}`;
  }

  async #expect(response: Response, statuses: readonly number[], what: string): Promise<void> {
    if (statuses.includes(response.status)) return;
    const text = await response.text().catch(() => "");
    const { errors } = parse(text);
    const reason = errors?.map(({ code, message }) => message ?? code).join("; ") || `status ${response.status}`;
    throw new Problem(`${this.#name}: the registry ${what}: ${reason}`);
  }

  async #body(response: Response): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > largestBlob) throw new Problem(`${this.#name}: more than 256 MiB, which no proxy takes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }
}

async function savedCredentials(registry: string): Promise<string | null> {
  const folder = process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker");
  const text = await readFile(join(folder, "config.json"), "utf8").catch(() => "{}");
  const { auths } = parse(text) as { auths?: Record<string, { auth?: string }> };
  const auth = auths?.[registry]?.auth ?? auths?.[`https://${registry}`]?.auth;
  return auth === undefined ? null : `Basic ${auth}`;
}

function parse(text: string): { errors?: { code?: string; message?: string }[] } {
  try {
    return JSON.parse(text) as object;
  } catch {
    return {};
  }
}

function reasonOf(error: Error): string {
  const cause = error.cause as (Error & { code?: string }) | undefined;
  return cause?.code ?? cause?.message ?? error.message;
}
