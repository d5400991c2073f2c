import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Tarball } from "./pack.ts";
import type { Manifest } from "./packages.ts";

/**
 * An npm registry on loopback that has our packages and no others: npm then does with them what it will do once they are
 * published.
 */
export class NpmRegistry implements AsyncDisposable {
  readonly #server: Server;

  static async start(tarballs: readonly Tarball[]): Promise<NpmRegistry> {
    const packages = new Map(
      await Promise.all(tarballs.map(async (tarball) => [tarball.name, await read(tarball)] as const)),
    );
    const server = createServer((request, response) => {
      const origin = `http://${request.headers.host}`;
      const [, name = "", isTarball] = /^\/([^?]*?)(\.tgz)?$/.exec(decodeURIComponent(request.url!))!;
      const found = packages.get(name);
      if (found === undefined) response.writeHead(404).end("{}");
      else if (isTarball === undefined) response.end(JSON.stringify(packument(found, origin)));
      else response.end(found.content);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new NpmRegistry(server);
  }

  private constructor(server: Server) {
    this.#server = server;
  }

  /** What sends npm here for our packages, and elsewhere for all others. */
  get environment(): Record<string, string> {
    return { "npm_config_@attache:registry": `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

interface Package {
  manifest: Manifest;
  content: Buffer;
}

async function read({ folder, file }: Tarball): Promise<Package> {
  const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Manifest;
  return { manifest, content: await readFile(file) };
}

function packument({ manifest, content }: Package, origin: string): object {
  const { name, version } = manifest;
  const integrity = `sha512-${createHash("sha512").update(content).digest("base64")}`;
  const dist = { tarball: `${origin}/${name}.tgz`, integrity };
  return { name, "dist-tags": { latest: version }, versions: { [version]: { ...manifest, dist } } };
}
