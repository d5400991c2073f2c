import { basename } from "node:path/posix";
import { isIndex, mediaTypes, type Blob, type Descriptor, type Index, type Manifest } from "./image.ts";
import { ArchiveError, entryOf, unzip } from "./tar.ts";

/** What the fetchers of Istio and Envoy Gateway make of an image: its module, or why they refuse it. */
export type Acceptance =
  | {
      module: Uint8Array;
      /** Of the image's manifest: what `sha256` must name. */
      digest: string;
    }
  | { refusal: string };

/** Where an image is read from. */
export interface ImageSource {
  manifest(version: string): Promise<{ mediaType: string; blob: Blob }>;
  blob(digest: string): Promise<Uint8Array>;
}

type Outcome = Uint8Array | { refusal: string };

/** Istio's limit, on what is read of the unpacked archive. */
const largestArchive = 256 * 1024 * 1024;

/**
 * Applies their rules (`pkg/wasm/imagefetcher.go` of Istio, which Envoy Gateway has taken over), and those of the
 * client library they use. Stricter in two things: a blob is checked against its digest to its end, where they stop
 * reading after `plugin.wasm`, and what follows the zipped archive must be zipped too.
 *
 * @param version a tag or a digest
 */
export async function accept(source: ImageSource, version: string): Promise<Acceptance> {
  let { mediaType, blob } = await source.manifest(version);
  while (isIndex(mediaType)) {
    const image = parse<Index>(blob)?.manifests?.find(({ platform }) => runsOnLinux(platform));
    if (image === undefined) return { refusal: "it is an index without an image for linux/amd64" };
    if (version.startsWith("sha256:")) {
      return { refusal: `it is an index: the digest to name is that of the image for linux/amd64, ${image.digest}` };
    }
    ({ mediaType, blob } = await source.manifest(image.digest));
  }
  if (mediaType.startsWith("application/vnd.docker.distribution.manifest.v1+")) {
    return { refusal: "it has Docker's old manifest, of schema 1" };
  }
  const manifest = parse<Manifest>(blob);
  if (manifest === null) return { refusal: "its manifest is no JSON" };
  const module = await moduleOf(manifest, source);
  if ("refusal" in module) return module;
  const isModule = module.length >= 8 && Buffer.from(module.subarray(0, 4)).equals(Buffer.from("\0asm"));
  return isModule ? { module, digest: blob.digest } : { refusal: "its plugin.wasm is no WebAssembly module" };
}

async function moduleOf(manifest: Manifest, source: ImageSource): Promise<Outcome> {
  const layers = (manifest.layers ?? []).map((layer) => firstOfDigest(manifest, layer));
  const last = layers.at(-1);
  if (last === undefined) return { refusal: "it has no layers" };
  if (manifest.mediaType === mediaTypes.dockerManifest) {
    if (last.mediaType === mediaTypes.dockerLayer) return await fromArchive(last, source);
    return { refusal: `the last layer of a Docker image must be ${mediaTypes.dockerLayer}, and is ${last.mediaType}` };
  }
  const fromLast = last.mediaType === mediaTypes.layer ? await fromArchive(last, source) : null;
  if (fromLast instanceof Uint8Array) return fromLast;
  const content = layers.find(({ mediaType }) => mediaType === mediaTypes.wasmContent);
  if (layers.length === 2 && content !== undefined) return await source.blob(content.digest);
  if (fromLast !== null) return fromLast;
  if (layers.length === 2) return { refusal: `neither of its two layers is ${mediaTypes.wasmContent}` };
  const found = layers.length === 1 ? "1 layer" : `${layers.length} layers`;
  return {
    refusal: `it has ${found}, the last of type ${last.mediaType}: either the last layer is ${mediaTypes.layer}, or there are exactly two layers, one of them ${mediaTypes.wasmContent}`,
  };
}

async function fromArchive({ digest }: Descriptor, source: ImageSource): Promise<Outcome> {
  const names: string[] = [];
  try {
    const archive = await unzip(await source.blob(digest), largestArchive);
    const isPlugin = (name: string) => names.push(name) > 0 && basename(name) === "plugin.wasm";
    const plugin = await entryOf(archive, isPlugin);
    if (plugin !== null) return plugin;
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    return { refusal: `its layer is no gzipped tar archive: ${error.message}` };
  }
  return { refusal: `there is no plugin.wasm in its layer, only ${names.join(", ") || "nothing"}` };
}

/** The library tells layers apart by their digests: of equal ones, and the image's configuration, the first counts. */
function firstOfDigest({ config, layers }: Manifest, layer: Descriptor): Descriptor {
  const all = config === undefined ? layers : [config, ...layers];
  return all.find(({ digest }) => digest === layer.digest) ?? layer;
}

function runsOnLinux(platform: { architecture: string; os: string } | undefined): boolean {
  return platform === undefined || (platform.architecture === "amd64" && platform.os === "linux");
}

function parse<T>({ bytes }: Blob): T | null {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as T;
  } catch {
    return null;
  }
}
