import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { writeTar } from "./tar.ts";

/** Part of an image: a layer, its configuration or its manifest. */
export interface Blob {
  digest: string;
  bytes: Uint8Array;
}

export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

export interface Manifest {
  schemaVersion: 2;
  mediaType?: string;
  config?: Descriptor;
  layers: Descriptor[];
  annotations?: Record<string, string>;
}

/** Images for several platforms. */
export interface Index {
  manifests?: (Descriptor & { platform?: { architecture: string; os: string } })[];
}

export const mediaTypes = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  index: "application/vnd.oci.image.index.v1+json",
  dockerIndex: "application/vnd.docker.distribution.manifest.list.v2+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  wasmContent: "application/vnd.module.wasm.content.layer.v1+wasm",
} as const;

export function isIndex(mediaType: string): boolean {
  return mediaType === mediaTypes.index || mediaType === mediaTypes.dockerIndex;
}

/** An image that proxies pull a filter from. */
export interface Image {
  manifest: Blob;
  config: Blob;
  layer: Blob;
}

/**
 * The image of a module in the layout that Istio's and Envoy Gateway's fetchers take: one gzipped tar layer with
 * `plugin.wasm`. The same module and annotations give the same bytes.
 */
export async function createImage(module: Uint8Array, annotations: Readonly<Record<string, string>>): Promise<Image> {
  const tar = await writeTar("plugin.wasm", module);
  const layer = blobOf(gzip(tar));
  const config = blobOf(
    json({
      architecture: "wasm",
      os: "wasip1",
      config: {},
      rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
    }),
  );
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: descriptorOf(mediaTypes.config, config),
    layers: [descriptorOf(mediaTypes.layer, layer)],
    annotations: Object.fromEntries(
      Object.entries({ "module.wasm.image/variant": "compat", ...annotations }).sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  };
  return { manifest: blobOf(json(manifest)), config, layer };
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Level 9, without time and with an unknown system, which zlib would write by the machine it runs on. */
function gzip(bytes: Uint8Array): Uint8Array {
  const zipped = gzipSync(bytes, { level: 9 });
  zipped[9] = 255;
  return zipped;
}

function blobOf(bytes: Uint8Array): Blob {
  return { digest: digestOf(bytes), bytes };
}

function descriptorOf(mediaType: string, { digest, bytes }: Blob): Descriptor {
  return { mediaType, digest, size: bytes.length };
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
