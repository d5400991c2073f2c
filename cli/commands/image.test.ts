import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEmulator } from "@attache/harness";
import { fetchImage } from "./image.ts";
import { digestOf, mediaTypes } from "../oci/image.ts";
import { imageCases, plugin } from "../testing/images.ts";
import { LocalRegistry, registryProgram } from "../testing/registry.ts";
import { freePort } from "../../test/free-port.ts";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
const filter = fileURLToPath(new URL("../../examples/hello-headers", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "attache-image-"));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

interface Run {
  status: number;
  stdout: string;
  stderr: string;
}

async function attache(...args: string[]): Promise<Run> {
  return await new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

async function filesOf(path: string): Promise<Record<string, string>> {
  const names = await readdir(path, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file.slice(path.length), await readFile(file, "base64")])),
  );
}

describe("attache pack", () => {
  it("writes the same image layout each time, described by the package", async () => {
    const [first, second] = [
      await attache("pack", filter, "--out", "one"),
      await attache("pack", filter, "--out", "two"),
    ];
    expect([first.status, second.status]).toEqual([0, 0]);
    expect(await filesOf(join(folder, "one"))).toEqual(await filesOf(join(folder, "two")));
    const [, digest] = /one: (sha256:[0-9a-f]{64})\n$/.exec(first.stdout)!;
    const text = await readFile(join(folder, "one/blobs/sha256", digest!.slice(7)), "utf8");
    expect(JSON.parse(text)).toMatchObject({
      mediaType: mediaTypes.manifest,
      layers: [{ mediaType: mediaTypes.layer }],
      annotations: {
        "module.wasm.image/variant": "compat",
        "org.opencontainers.image.title": "@attache/example-hello-headers",
        "org.opencontainers.image.version": "0.1.0",
      },
    });
  });

  it("leaves alone what is there, and writes nothing that is not whole", async () => {
    await mkdir(join(folder, "taken"));
    expect((await attache("pack", filter, "--out", "taken")).stderr).toContain("taken: is there already");
    const unwritable = await attache("pack", filter, "--out", "one/index.json/three");
    expect([unwritable.status, unwritable.stderr]).toEqual([1, expect.stringContaining("cannot be written")]);
  });

  it("takes modules that Envoy loads, and no others", async () => {
    await writeFile(join(folder, "junk.wasm"), "junk");
    const junk = await attache("pack", "junk.wasm", "--out", "junk");
    expect([junk.status, junk.stderr]).toEqual([1, expect.stringContaining("not a WebAssembly module")]);
    await mkdir(join(folder, "empty"));
    expect((await attache("pack", "empty", "--out", "junk")).stderr).toContain("run `attache build empty`");
    await expect(access(join(folder, "junk"))).rejects.toThrow();
  });
});

const missing = registryProgram === null ? ": no docker-registry on this machine" : "";

describe.skipIf(registryProgram === null)(`a registry${missing}`, () => {
  let server: LocalRegistry;
  let registry: string;

  beforeAll(async () => {
    server = await LocalRegistry.start();
    registry = server.address;
  });
  afterAll(async () => await server[Symbol.asyncDispose]());

  it("takes a filter, and gives back the very module, which runs", async () => {
    const pushed = await attache("push", filter, `${registry}/filters/hello:1.0.0`, "--json");
    expect([pushed.status, pushed.stderr]).toEqual([0, ""]);
    const { digest } = JSON.parse(pushed.stdout) as { digest: string };
    for (const reference of [`${registry}/filters/hello:1.0.0`, `oci://${registry}/filters/hello@${digest}`]) {
      expect(await attache("pull", reference, "--out", "pulled/plugin.wasm")).toMatchObject({ status: 0 });
    }
    const module = await readFile(join(folder, "pulled/plugin.wasm"));
    expect(module).toEqual(await readFile(join(filter, "build/plugin.wasm")));
    await using host = await startEmulator({ plugins: [{ module }] });
    expect((await host.fetch("/")).header("x-hello")).toBe("world");
    const verified = await attache("verify", `${registry}/filters/hello:1.0.0`);
    expect([verified.status, verified.stdout]).toEqual([0, expect.stringContaining(`accepted, ${digest}`)]);
  });

  it("says what is not there, and what is no reference", async () => {
    const absent = await attache("pull", `${registry}/filters/none:1`, "--out", "none.wasm");
    expect([absent.status, absent.stderr]).toEqual([1, expect.stringContaining("the registry has no such image")]);
    expect((await attache("pull", "hello", "--out", "none.wasm")).stderr).toContain("is no image reference");
    expect((await attache("push", filter, `${registry}/a@sha256:${"0".repeat(64)}`)).stderr).toContain("to a tag");
    const away = await attache("verify", `127.0.0.1:${await freePort()}/a:1`);
    expect([away.status, away.stderr]).toEqual([1, expect.stringContaining("cannot reach the registry: ECONNREFUSED")]);
    await expect(access(join(folder, "none.wasm"))).rejects.toThrow();
  });

  it.each(imageCases)("judges an image with $name", async ({ name, refusal, push }) => {
    const repository = `images/${name.replaceAll(/\W+/g, "-").toLowerCase()}`;
    await push(server, repository);
    const verdict = await fetchImage(`${registry}/${repository}:1`, {}).then(
      () => "",
      (error: Error) => error.message,
    );
    if (refusal === "") expect(verdict).toBe("");
    else expect(verdict).toContain(refusal);
  });

  it("tells which image of an index its digest must name", async () => {
    const { push } = imageCases.find(({ name }) => name === "an index with an image for linux/amd64")!;
    await push(server, "images/index");
    const { digest } = await fetchImage(`${registry}/images/index:1`, {});
    const response = await fetch(`http://${registry}/v2/images/index/manifests/1`, {
      headers: { accept: mediaTypes.index },
    });
    const ofIndex = digestOf(Buffer.from(await response.arrayBuffer()));
    await expect(fetchImage(`${registry}/images/index@${ofIndex}`, {})).rejects.toThrow(digest);
    expect((await fetchImage(`${registry}/images/index@${digest}`, {})).digest).toBe(digest);
  });

  it("refuses a blob that was tampered with", async () => {
    await attache("push", filter, `${registry}/filters/tampered:1`);
    const blob = gzipSync(plugin);
    await server.push("filters/tampered", { layers: [[mediaTypes.layer, blob]] });
    await writeFile(server.blobFile(digestOf(blob)), Buffer.concat([blob, Buffer.from("x")]));
    const { status, stderr } = await attache("pull", `${registry}/filters/tampered:1`, "--out", "tampered.wasm");
    expect([status, stderr]).toEqual([1, expect.stringMatching(/tampered with|cannot reach the registry/)]);
    await expect(access(join(folder, "tampered.wasm"))).rejects.toThrow();
  });
});
