import { gunzipSync } from "node:zlib";
import { basename } from "node:path/posix";
import { mediaTypes, type Manifest } from "./image.ts";
import { readTar } from "./tar.ts";

/** What the fetchers of Istio and Envoy Gateway make of an image: its module, or why they refuse it. */
export type Acceptance = { module: Uint8Array } | { refusal: string };

const wasmMagic = Buffer.from("\0asm", "latin1");
const largestModule = 256 * 1024 * 1024;

/**
 * Applies their rules (`pkg/wasm/imagefetcher.go` of Istio, which Envoy Gateway has taken over).
 *
 * @param readLayer gives a layer by its digest
 */
export async function accept(
  mediaType: string,
  manifest: Manifest,
  readLayer: (digest: string) => Promise<Uint8Array>,
): Promise<Acceptance> {
  if (mediaType === mediaTypes.index || mediaType === mediaTypes.dockerIndex) {
    return { refusal: "it is an index of images for several platforms: push one image, not an index" };
  }
  const layers = manifest.layers ?? [];
  const last = layers.at(-1);
  if (last === undefined) return { refusal: "it has no layers" };
  if (mediaType === mediaTypes.dockerManifest) {
    if (last.mediaType === mediaTypes.dockerLayer) return await fromArchive(await readLayer(last.digest));
    return { refusal: `the last layer of a Docker image must be ${mediaTypes.dockerLayer}, and is ${last.mediaType}` };
  }
  if (last.mediaType === mediaTypes.layer) return await fromArchive(await readLayer(last.digest));
  if (layers.length !== 2) {
    const found = layers.length === 1 ? "1 layer" : `${layers.length} layers`;
    return {
      refusal: `it has ${found}, the last of type ${last.mediaType}: either the last layer is ${mediaTypes.layer}, or there are exactly two layers, one of them ${mediaTypes.wasmContent}`,
    };
  }
  const content = layers.find((layer) => layer.mediaType === mediaTypes.wasmContent);
  if (content === undefined) return { refusal: `neither of its two layers is ${mediaTypes.wasmContent}` };
  return checked(await readLayer(content.digest));
}

async function fromArchive(bytes: Uint8Array): Promise<Acceptance> {
  let entries;
  try {
    entries = readTar(gunzipSync(bytes, { maxOutputLength: largestModule + 1024 * 1024 }));
  } catch (error) {
    return { refusal: `its layer is no gzipped tar archive: ${(error as Error).message}` };
  }
  const plugin = entries.find(({ name }) => basename(name) === "plugin.wasm");
  if (plugin !== undefined) return checked(plugin.content);
  const names = entries.map(({ name }) => name).join(", ") || "nothing";
  return { refusal: `there is no plugin.wasm in its layer, only ${names}` };
}

function checked(module: Uint8Array): Acceptance {
  if (Buffer.compare(module.subarray(0, 4), wasmMagic) === 0) return { module };
  return { refusal: "its plugin.wasm is no WebAssembly module" };
}
