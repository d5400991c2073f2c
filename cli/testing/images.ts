import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack, type Header } from "tar-stream";
import { mediaTypes } from "../oci/image.ts";
import type { LocalRegistry, RawImage } from "./registry.ts";

/** An image, and what it is refused for; "" when it is taken. Pushed with tag 1. */
export interface ImageCase {
  name: string;
  refusal: string;
  push(registry: LocalRegistry, repository: string): Promise<unknown>;
}

type Layer = readonly [mediaType: string, content: Uint8Array];
type HeaderInit = Pick<Header, "name"> & Partial<Header>;
type File = readonly [header: string | HeaderInit, content?: Uint8Array];

const { manifest: oci, dockerManifest: docker, layer, dockerLayer, wasmContent } = mediaTypes;
const settings = "application/vnd.module.wasm.config.v1+json";

/** Begins as a module does, and is longer than what any reader buffers; its end is not like its beginning. */
export const plugin = Buffer.concat([Buffer.from("\0asm\x01\0\0\0", "latin1"), noise(256 * 1024)]);
const junk = Buffer.from("junk, and no module");

export const imageCases: readonly ImageCase[] = [
  image("one layer", "", [[layer, await archive(["plugin.wasm", plugin])]]),
  image("a path before the name", "", [[layer, await archive(["./a/plugin.wasm", plugin])]]),
  image("a name that is longer than tar's header", "", [
    [layer, await archive([`${"a/".repeat(150)}plugin.wasm`, plugin])],
  ]),
  image("other files before and after", "", [
    [layer, await archive(["README", junk], ["plugin.wasm", plugin], ["LICENSE", junk])],
  ]),
  image("two modules in one layer, the first of which counts", "no WebAssembly module", [
    [layer, await archive(["plugin.wasm", junk], ["a/plugin.wasm", plugin])],
  ]),
  image("a manifest that names no type", "", [[layer, await archive(["plugin.wasm", plugin])]], {
    manifest: ({ mediaType: _, ...manifest }) => manifest,
  }),
  image("several layers, the module in the last", "", [
    [layer, await archive(["README", junk])],
    ["application/wasm", junk],
    [layer, await archive(["plugin.wasm", plugin])],
  ]),
  image("the module in a layer before the last", "no plugin.wasm in its layer, only README", [
    [layer, await archive(["plugin.wasm", plugin])],
    [layer, await archive(["README", junk])],
  ]),
  image("a Docker image", "", [[dockerLayer, await archive(["plugin.wasm", plugin])]], { mediaType: docker }),
  image(
    "a Docker image with a layer of OCI",
    "last layer of a Docker image must be",
    [[layer, await archive(["plugin.wasm", plugin])]],
    { mediaType: docker },
  ),
  image("an OCI image with a layer of Docker", "it has 1 layer, the last of type", [
    [dockerLayer, await archive(["plugin.wasm", plugin])],
  ]),
  image(
    "a Docker image of two layers, one the bare module",
    "last layer of a Docker image must be",
    [
      [settings, Buffer.from("{}\n")],
      [wasmContent, plugin],
    ],
    { mediaType: docker },
  ),
  image("an artifact of two layers", "", [
    [settings, Buffer.from("{}\n")],
    [wasmContent, plugin],
  ]),
  image("an artifact of two layers, the module first", "", [
    [wasmContent, plugin],
    [settings, Buffer.from("{}\n")],
  ]),
  image("an artifact whose other layer is an archive", "", [
    [wasmContent, plugin],
    [layer, await archive(["README", junk])],
  ]),
  image("an artifact whose module is zipped", "no WebAssembly module", [
    [settings, Buffer.from("{}\n")],
    [wasmContent, gzipSync(plugin)],
  ]),
  image("one artifact layer", "it has 1 layer", [[wasmContent, plugin]]),
  image("one layer of application/wasm, as wasm-to-oci and newer tools push", "it has 1 layer", [
    ["application/wasm", plugin],
  ]),
  image("three layers, one of them an artifact's", "it has 3 layers", [
    [settings, Buffer.from("{}\n")],
    [wasmContent, plugin],
    ["text/plain", junk],
  ]),
  image("two layers, none of them the module", "neither of its two layers", [
    [settings, Buffer.from("{}\n")],
    ["application/wasm", plugin],
  ]),
  image("no layers", "it has no layers", []),
  image("the same layer twice, first as another type", "neither of its two layers", [
    ["application/octet-stream", await archive(["plugin.wasm", plugin])],
    [layer, await archive(["plugin.wasm", plugin])],
  ]),
  image("another name", "no plugin.wasm in its layer, only filter.wasm", [
    [layer, await archive(["filter.wasm", plugin])],
  ]),
  image("a name that only ends so", "only my-plugin.wasm", [[layer, await archive(["my-plugin.wasm", plugin])]]),
  image("a name in capitals", "only Plugin.wasm", [[layer, await archive(["Plugin.wasm", plugin])]]),
  image("a folder called plugin.wasm", "no WebAssembly module", [
    [layer, await archive([{ name: "plugin.wasm/", type: "directory" }], ["plugin.wasm/plugin.wasm", plugin])],
  ]),
  image("a link called plugin.wasm", "no WebAssembly module", [
    [
      layer,
      await archive(["filter.wasm", plugin], [{ name: "plugin.wasm", type: "symlink", linkname: "filter.wasm" }]),
    ],
  ]),
  image("no module", "its plugin.wasm is no WebAssembly module", [[layer, await archive(["plugin.wasm", junk])]]),
  image("an empty module", "no WebAssembly module", [[layer, await archive(["plugin.wasm", Buffer.alloc(0)])]]),
  image("the beginning of a module, without its version", "no WebAssembly module", [
    [layer, await archive(["plugin.wasm", plugin.subarray(0, 7)])],
  ]),
  image("an empty archive", "only nothing", [[layer, await archive()]]),
  image("an archive that is not zipped", "its layer is no gzipped tar archive", [
    [layer, await tar(["plugin.wasm", plugin])],
  ]),
  image("an archive of a type that is not zipped", "it has 1 layer", [
    ["application/vnd.oci.image.layer.v1.tar", await tar(["plugin.wasm", plugin])],
  ]),
  image("an archive of a type that is zipped otherwise", "it has 1 layer", [
    ["application/vnd.oci.image.layer.v1.tar+zstd", await archive(["plugin.wasm", plugin])],
  ]),
  image("a bare module in the place of the archive", "its layer is no gzipped tar archive", [[layer, plugin]]),
  image("a zipped module in the place of the archive", "its layer is no gzipped tar archive", [
    [layer, gzipSync(plugin)],
  ]),
  image("an archive that is zipped twice", "its layer is no gzipped tar archive", [
    [layer, gzipSync(await archive(["plugin.wasm", plugin]))],
  ]),
  image("an archive that is zipped in two parts", "", [
    [layer, Buffer.concat(parts(await tar(["plugin.wasm", plugin])).map((part) => gzipSync(part)))],
  ]),
  image("an archive that is cut off in the module", "its layer is no gzipped tar archive", [
    [layer, gzipSync((await tar(["plugin.wasm", plugin])).subarray(0, 100_000))],
  ]),
  image("an archive that is cut off after the module", "", [
    [layer, gzipSync((await tar(["plugin.wasm", plugin], ["README", plugin])).subarray(0, 512 + plugin.length + 700))],
  ]),
  image("a zipped archive that is cut off after the module", "", [
    [layer, (await archive(["plugin.wasm", plugin], ["README", noise(400_000)])).subarray(0, 400_000)],
  ]),
  image("a module over 256 MiB", "its layer is no gzipped tar archive", [
    [layer, await archive(["plugin.wasm", Buffer.concat([plugin, Buffer.alloc(256 * 1024 * 1024)])])],
  ]),
  index("an index with an image for linux/amd64", "", [
    ["arm64", junk],
    ["amd64", plugin],
  ]),
  index("an index with an image for no platform", "", [[null, plugin]]),
  index("an index without an image for linux/amd64", "index without an image for linux/amd64", [
    ["arm64", plugin],
    ["wasm", plugin],
  ]),
  index("an empty index", "index without an image for linux/amd64", []),
];

function image(name: string, refusal: string, layers: readonly Layer[], more: RawImage = {}): ImageCase {
  return { name, refusal, push: (registry, repository) => registry.push(repository, { layers, ...more }) };
}

function index(
  name: string,
  refusal: string,
  images: readonly (readonly [architecture: string | null, module: Uint8Array])[],
): ImageCase {
  const push: ImageCase["push"] = async (registry, repository) => {
    const manifests: object[] = [];
    for (const [i, [architecture, module]] of images.entries()) {
      const layers: Layer[] = [[layer, await archive(["plugin.wasm", module])]];
      const { digest, size } = await registry.push(repository, { layers, tag: `image-${i}` });
      const platform = architecture === null ? {} : { platform: { architecture, os: "linux" } };
      manifests.push({ mediaType: oci, digest, size, ...platform });
    }
    const mediaType = mediaTypes.index;
    await registry.push(repository, { mediaType, manifest: () => ({ schemaVersion: 2, mediaType, manifests }) });
  };
  return { name, refusal, push };
}

/** A layer: a zipped archive. */
export async function archive(...files: File[]): Promise<Buffer> {
  return gzipSync(await tar(...files));
}

async function tar(...files: File[]): Promise<Buffer> {
  const packed = pack();
  for (const [header, content] of files) {
    const full = { mtime: new Date(0), ...(typeof header === "string" ? { name: header } : header) };
    if (content === undefined) packed.entry(full);
    else packed.entry(full, Buffer.from(content));
  }
  packed.finalize();
  return await buffer(packed as AsyncIterable<Buffer>);
}

function parts(bytes: Buffer): Buffer[] {
  return [bytes.subarray(0, 1000), bytes.subarray(1000)];
}

/** The same each time, and hardly smaller when zipped. */
function noise(size: number): Buffer {
  let state = 1;
  return Buffer.from(Uint8Array.from({ length: size }, () => (state = (state * 1103515245 + 12345) % 2 ** 31) >> 16));
}
