import { spawn, type ChildProcess } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { freePort } from "../../test/free-port.ts";
import { waitUntil } from "../../harness/envoy/wait.ts";
import { digestOf, mediaTypes } from "../oci/image.ts";

/** Path of Debian's `docker-registry`, or `null`. */
export const registryProgram = await findProgram("docker-registry");

export interface RawImage {
  /** Type the registry is told; an OCI manifest when absent. */
  mediaType?: string;
  layers?: readonly (readonly [mediaType: string, content: Uint8Array])[];
  /** Changes the manifest before it is pushed. */
  manifest?: (manifest: Record<string, unknown>) => Record<string, unknown>;
  tag?: string;
}

/** A registry on loopback that keeps its images in a folder of its own. */
export class LocalRegistry implements AsyncDisposable {
  /** `HOST:PORT` */
  readonly address: string;
  readonly folder: string;
  private readonly server: ChildProcess;

  static async start(): Promise<LocalRegistry> {
    const folder = await mkdtemp(join(tmpdir(), "attache-registry-"));
    const address = `127.0.0.1:${await freePort()}`;
    const config = {
      version: 0.1,
      log: { level: "error" },
      storage: { filesystem: { rootdirectory: folder } },
      http: { addr: address },
    };
    await writeFile(join(folder, "registry.json"), JSON.stringify(config));
    const registry = new LocalRegistry(address, folder);
    await waitUntil("the registry to start", async () => {
      const isReady = await fetch(`http://${address}/v2/`).then(
        ({ ok }) => ok,
        () => false,
      );
      return isReady || null;
    });
    return registry;
  }

  private constructor(address: string, folder: string) {
    this.address = address;
    this.folder = folder;
    this.server = spawn(registryProgram!, ["serve", join(folder, "registry.json")], { stdio: "ignore" });
  }

  /**
   * Pushes an image of any kind, by the registry's own API.
   *
   * @returns the digest of its manifest, and the manifest's length
   */
  async push(repository: string, image: RawImage): Promise<{ digest: string; size: number }> {
    const { mediaType = mediaTypes.manifest, layers = [], manifest: change = (same) => same, tag = "1" } = image;
    const base = `http://${this.address}/v2/${repository}`;
    const config = Buffer.from("{}");
    for (const content of [config, ...layers.map(([, bytes]) => bytes)]) {
      const begun = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
      const location = new URL(begun.headers.get("location")!, base);
      location.searchParams.set("digest", digestOf(content));
      await fetch(location, { method: "PUT", body: content as Uint8Array<ArrayBuffer> });
    }
    const descriptor = (type: string, bytes: Uint8Array) => ({
      mediaType: type,
      digest: digestOf(bytes),
      size: bytes.length,
    });
    const body = JSON.stringify(
      change({
        schemaVersion: 2,
        mediaType,
        config: descriptor(mediaTypes.config, config),
        layers: layers.map(([type, bytes]) => descriptor(type, bytes)),
      }),
    );
    const headers = { "content-type": mediaType };
    const answer = await fetch(`${base}/manifests/${tag}`, { method: "PUT", headers, body });
    if (answer.status !== 201) throw new Error(`${repository}: ${await answer.text()}`);
    return { digest: digestOf(Buffer.from(body)), size: Buffer.byteLength(body) };
  }

  /** File that holds a blob. */
  blobFile(digest: string): string {
    const hex = digest.slice("sha256:".length);
    return join(this.folder, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = new Promise((resolve) => this.server.once("exit", resolve));
    this.server.kill();
    await exited;
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function findProgram(name: string): Promise<string | null> {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, name);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return null;
}
