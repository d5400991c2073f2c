import { buffer } from "node:stream/consumers";
import { constants, createGunzip } from "node:zlib";
import { extract, pack } from "tar-stream";

/** What is no gzipped tar archive, and why. */
export class ArchiveError extends Error {
  override name = "ArchiveError";
}

/** An archive with one file that is the same for the same content, whoever makes it and when: no owner, no time. */
export async function writeTar(name: string, content: Uint8Array): Promise<Uint8Array> {
  const archive = pack();
  archive.entry({ name, mode: 0o644, mtime: new Date(0), uid: 0, gid: 0 }, Buffer.from(content));
  archive.finalize();
  return await buffer(archive as AsyncIterable<Buffer>);
}

/**
 * Unzips up to `limit` bytes. What is cut off or spoiled comes out as far as it goes: whoever reads an archive from its
 * beginning does not mind its end. Throws {@link ArchiveError} when nothing can be unzipped.
 */
export async function unzip(bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  const gunzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });
  await new Promise<void>((resolve, reject) => {
    gunzip.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size < limit) return;
      gunzip.destroy();
      resolve();
    });
    gunzip.on("end", resolve);
    gunzip.on("error", (error) => (size > 0 ? resolve() : reject(new ArchiveError(error.message))));
    gunzip.end(bytes);
  });
  return Buffer.concat(chunks).subarray(0, limit);
}

/**
 * Content of an archive's first entry that `isWanted`, or `null`; all names up to it are asked for. Throws
 * {@link ArchiveError} when it is no archive, or cut off before the entry ends.
 */
export async function entryOf(tar: Uint8Array, isWanted: (name: string) => boolean): Promise<Uint8Array | null> {
  const archive = extract();
  archive.end(tar);
  try {
    for await (const entry of archive) {
      if (isWanted(entry.header.name)) return await buffer(entry as AsyncIterable<Buffer>);
      entry.resume();
    }
  } catch (error) {
    throw new ArchiveError((error as Error).message);
  }
  return null;
}
