import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fetchImage, pack, pull, push } from "../../../cli/commands/image.ts";
import { digestOf, mediaTypes, type Manifest } from "../../../cli/oci/image.ts";
import { entryOf } from "../../../cli/oci/tar.ts";
import { archive } from "../../../cli/testing/images.ts";
import { LocalRegistry, registryProgram } from "../../../cli/testing/registry.ts";
import { findIstio } from "./program.ts";

const istio = await findIstio();
const isReady = istio !== null && registryProgram !== null;
const suite = isReady ? "crane" : "Istio: not built, see `npm run setup -- --all`: crane";
const filter = fileURLToPath(new URL("../../../examples/hello-headers", import.meta.url));

/** Another project's client of registries. */
describe.skipIf(!isReady)(suite, () => {
  let registry: LocalRegistry;
  let folder: string;
  let module: Buffer;

  beforeAll(async () => {
    registry = await LocalRegistry.start();
    folder = await mkdtemp(join(tmpdir(), "attache-crane-"));
    module = await readFile(join(filter, "build/plugin.wasm"));
  });
  afterAll(async () => {
    await registry?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function crane(...args: string[]): Promise<Buffer> {
    const options = { encoding: "buffer", cwd: folder, maxBuffer: 1 << 28 } as const;
    return (await promisify(execFile)(istio!.program, ["crane", ...args], options)).stdout;
  }

  it("pulls what `attache push` pushed, by tag and digest, and finds it whole", async () => {
    const image = `${registry.address}/filters/hello:1`;
    const digest = await push(filter, image, {});
    expect((await crane("digest", image)).toString().trim()).toBe(digest);
    const manifest = JSON.parse((await crane("manifest", image)).toString()) as Manifest;
    const layer = await crane("blob", `${registry.address}/filters/hello@${manifest.layers[0]!.digest}`);
    expect(await entryOf(gunzipSync(layer), (name) => name === "plugin.wasm")).toEqual(module);
    const exported = await crane("export", image, "-");
    expect(await entryOf(exported, (name) => name === "plugin.wasm")).toEqual(module);
    await crane("validate", "--remote", image);
  });

  it("pushes a module that `attache pull` pulls", async () => {
    const image = `${registry.address}/filters/by-crane:1`;
    await writeFile(join(folder, "layer.tar.gz"), await archive(["plugin.wasm", module]));
    await crane("append", "--oci-empty-base", "--new_layer", "layer.tar.gz", "--new_tag", image);
    const pulled = await pull(image, join(folder, "pulled.wasm"), {});
    expect(await readFile(join(folder, "pulled.wasm"))).toEqual(module);
    expect(pulled.digest).toBe((await crane("digest", image)).toString().trim());
  });

  it("pushes what `attache pack` wrote, to the digest that pack printed", async () => {
    const image = `${registry.address}/filters/packed:1`;
    const digest = await pack(filter, join(folder, "packed"));
    await crane("push", "packed", image);
    expect((await fetchImage(image, {})).digest).toBe(digest);
  });

  it("copies an image to another name, whose digest stays", async () => {
    const image = `${registry.address}/filters/original:1`;
    const digest = await push(filter, image, {});
    await crane("copy", image, `${registry.address}/elsewhere/copy:2`);
    const { digest: copied, module: same } = await fetchImage(`${registry.address}/elsewhere/copy:2`, {});
    expect([copied, digestOf(same)]).toEqual([digest, digestOf(module)]);
    const head = await fetch(`http://${registry.address}/v2/elsewhere/copy/manifests/2`, {
      headers: { accept: mediaTypes.manifest },
    });
    expect(head.headers.get("content-type")).toBe(mediaTypes.manifest);
  });
});
