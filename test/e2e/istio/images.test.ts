import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fetchImage } from "../../../cli/commands/image.ts";
import { digestOf, mediaTypes } from "../../../cli/oci/image.ts";
import { archive, imageCases, plugin } from "../../../cli/testing/images.ts";
import { LocalRegistry, registryProgram } from "../../../cli/testing/registry.ts";
import { Conversation, RefusedError } from "./conversation.ts";
import { findIstio } from "./program.ts";

const istio = await findIstio();
const isReady = istio !== null && registryProgram !== null;
const suite = isReady ? "Istio's fetcher" : "Istio: not built, see `npm run setup -- --all`: its fetcher";

type Fetched = { bytes: number; sha256: string };

describe.skipIf(!isReady)(suite, () => {
  let registry: LocalRegistry;
  let fetcher: Conversation<{ url: string; sha256?: string }, Fetched>;

  beforeAll(async () => {
    registry = await LocalRegistry.start();
    fetcher = new Conversation(istio!, "fetch");
  });
  afterAll(async () => {
    await fetcher?.[Symbol.asyncDispose]();
    await registry?.[Symbol.asyncDispose]();
  });

  /** Its module's digest, or that it is refused. */
  const ofIstio = async (url: string, sha256 = "") =>
    await fetcher.ask({ url, sha256 }).then(
      (fetched) => fetched.sha256,
      (error: unknown) => {
        if (error instanceof RefusedError) return "refused";
        throw error;
      },
    );
  const ofAttache = async (reference: string) =>
    await fetchImage(reference, {}).then(
      ({ module }) => digestOf(module).slice("sha256:".length),
      () => "refused",
    );

  it.each(imageCases)("judges as `attache verify` does: $name", async ({ name, refusal, push }) => {
    const reference = `${registry.address}/images/${name.replaceAll(/\W+/g, "-").toLowerCase()}:1`;
    await push(registry, reference.slice(registry.address.length + 1, -2));
    const verdict = await ofIstio(`oci://${reference}`);
    expect(await ofAttache(reference)).toBe(verdict);
    expect(verdict === "refused").toBe(refusal !== "");
  });

  it("compares sha256 with the digest of the image, in an index too, and never with the module's", async () => {
    const { push } = imageCases.find(({ name }) => name === "an index with an image for linux/amd64")!;
    await push(registry, "images/digests");
    const image = `${registry.address}/images/digests`;
    const { digest, module } = await fetchImage(`${image}:1`, {});
    const accept = { headers: { accept: mediaTypes.index } };
    const index = await fetch(`http://${registry.address}/v2/images/digests/manifests/1`, accept);
    const ofIndex = digestOf(Buffer.from(await index.arrayBuffer()));
    const hex = (text: string) => text.slice("sha256:".length);
    const judged = async (sha256: string) => (await ofIstio(`oci://${image}:1`, hex(sha256))) !== "refused";
    expect([await judged(digest), await judged(ofIndex), await judged(digestOf(module))]).toEqual([true, false, false]);
    for (const version of [digest, ofIndex]) {
      const verdict = await ofIstio(`oci://${image}@${version}`);
      expect(await ofAttache(`${image}@${version}`)).toBe(verdict);
    }
  });

  it("takes a blob that was tampered with behind the module, which `attache verify` refuses", async () => {
    const blob = await archive(["plugin.wasm", plugin], ["README", plugin]);
    await registry.push("images/tampered", { layers: [[mediaTypes.layer, blob]] });
    await writeFile(registry.blobFile(digestOf(blob)), blob.with(blob.length - 1, blob.at(-1)! ^ 1));
    const reference = `${registry.address}/images/tampered:1`;
    expect(await ofIstio(`oci://${reference}`)).toBe(digestOf(plugin).slice("sha256:".length));
    await expect(fetchImage(reference, {})).rejects.toThrow("tampered with");
  });

  it.each([":1", "", "@DIGEST", ":1@DIGEST", "@sha256:1", ":1:1"])("reads a reference as it does: …%s", async (end) => {
    const { digest } = await registry.push("images/reference", {
      layers: [[mediaTypes.layer, await archive(["plugin.wasm", plugin])]],
    });
    const reference = `${registry.address}/images/reference${end.replace("DIGEST", digest)}`;
    expect(await ofAttache(reference)).toBe(await ofIstio(`oci://${reference}`));
  });
});
