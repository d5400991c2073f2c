import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { accept } from "../oci/acceptance.ts";
import { createImage, mediaTypes, type Image } from "../oci/image.ts";
import { formatReference, parseReference } from "../oci/reference.ts";
import { Registry, type RegistryOptions } from "../oci/registry.ts";
import { Problem } from "../problem.ts";
import { checkModule } from "./check.ts";

/** A folder that holds a filter's `package.json` and `build/plugin.wasm`, or a module. */
export async function imageOf(source: string): Promise<Image> {
  const isFolder = (await stat(source).catch(() => null))?.isDirectory() ?? false;
  const file = isFolder ? join(source, "build", "plugin.wasm") : source;
  if (isFolder && !existsSync(file)) throw new Problem(`${file}: there is no module: run \`attache build ${source}\``);
  await checkModule(file);
  return await createImage(await readFile(file), await annotations(isFolder ? source : dirname(file)));
}

/** Writes the image as an OCI image layout: all of it, or nothing. */
export async function pack(source: string, folder: string): Promise<string> {
  const image = await imageOf(source);
  if (existsSync(folder)) throw new Problem(`${folder}: is there already: remove it, or choose another --out`);
  const temporary = `${folder}.tmp-${process.pid}`;
  try {
    const blobs = join(temporary, "blobs", "sha256");
    await mkdir(blobs, { recursive: true });
    for (const { digest, bytes } of [image.layer, image.config, image.manifest]) {
      await writeFile(join(blobs, digest.slice("sha256:".length)), bytes);
    }
    const { digest, bytes } = image.manifest;
    const manifests = [{ mediaType: mediaTypes.manifest, digest, size: bytes.length }];
    await writeFile(join(temporary, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    await writeFile(join(temporary, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
    await rename(temporary, folder);
  } catch (error) {
    throw writeProblem(folder, error);
  } finally {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
  }
  return image.manifest.digest;
}

/** @returns the digest that `sha256` of a WasmPlugin names */
export async function push(source: string, reference: string, options: RegistryOptions): Promise<string> {
  const target = parseReference(reference);
  if (target.version.startsWith("sha256:"))
    throw new Problem(`${reference}: an image is pushed to a tag, not a digest`);
  const image = await imageOf(source);
  await new Registry(target, options).push(image);
  return image.manifest.digest;
}

export interface Pulled {
  reference: string;
  /** Of the manifest. */
  digest: string;
  module: Uint8Array;
}

/** Reads an image as Istio's agent does; a {@link Problem} says why it would refuse it. */
export async function fetchImage(reference: string, options: RegistryOptions): Promise<Pulled> {
  const parsed = parseReference(reference);
  const registry = new Registry(parsed, options);
  const result = await accept(registry, parsed.version);
  if ("refusal" in result) throw new Problem(`${reference}: Istio and Envoy Gateway refuse it: ${result.refusal}`);
  return { reference: formatReference(parsed), ...result };
}

/** Pulls the module of an image into a file: all of it, or nothing. */
export async function pull(reference: string, file: string, options: RegistryOptions): Promise<Pulled> {
  const pulled = await fetchImage(reference, options);
  const temporary = `${file}.tmp-${process.pid}`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(temporary, pulled.module);
    await rename(temporary, file);
  } catch (error) {
    throw writeProblem(file, error);
  } finally {
    await rm(temporary, { force: true }).catch(() => {});
  }
  return pulled;
}

/** What an image says about itself, from the package's `package.json`. */
async function annotations(folder: string): Promise<Record<string, string>> {
  const file = [join(folder, "package.json"), join(folder, "..", "package.json")].find((path) => existsSync(path));
  if (file === undefined) return {};
  const { name, version, description, license } = JSON.parse(await readFile(file, "utf8")) as Record<string, string>;
  const known = { title: name, version, description, licenses: license };
  return Object.fromEntries(
    Object.entries(known).flatMap(([key, value]) =>
      typeof value === "string" ? [[`org.opencontainers.image.${key}`, value]] : [],
    ),
  );
}

function writeProblem(path: string, error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? (error as Error) : new Problem(`${path}: cannot be written: ${code}`);
}
