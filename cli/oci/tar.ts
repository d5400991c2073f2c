/** One file in a tar archive. */
export interface TarEntry {
  name: string;
  content: Uint8Array;
}

const BLOCK = 512;

/** An archive that is the same for the same files, whoever makes it and when: no owner, no time. */
export function writeTar(entries: readonly TarEntry[]): Uint8Array {
  const parts = entries.flatMap(({ name, content }) => [
    header(name, content.length),
    content,
    padding(content.length),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

/** The files of an archive. Throws when it is none. */
export function readTar(archive: Uint8Array): TarEntry[] {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  const entries: TarEntry[] = [];
  for (let at = 0; at + BLOCK <= bytes.length && bytes[at] !== 0;) {
    const block = bytes.subarray(at, at + BLOCK);
    if (checksum(block) !== parseOctal(block, 148, 8)) throw new Error("it is no tar archive");
    const size = parseOctal(block, 124, 12);
    const content = bytes.subarray(at + BLOCK, at + BLOCK + size);
    if (content.length < size) throw new Error("the tar archive is cut off");
    // A regular file; other kinds hold no content of their own.
    if (block[156] === 0x30 || block[156] === 0) entries.push({ name: text(block, 0, 100), content });
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return entries;
}

function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 100, "utf8");
  block.write("0000644\0", 100);
  block.write("0000000\0", 108);
  block.write("0000000\0", 116);
  block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  block.write("00000000000\0", 136);
  block.write("0", 156);
  block.write("ustar\0" + "00", 257, "latin1");
  block.write(`${checksum(block).toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** Sum of all bytes, those of the sum itself counted as spaces. */
function checksum(block: Uint8Array): number {
  return block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);
}

function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

function text(block: Buffer, at: number, size: number): string {
  return block.toString("utf8", at, at + size).split("\0", 1)[0]!;
}

function parseOctal(block: Buffer, at: number, size: number): number {
  return parseInt(text(block, at, size).trim() || "0", 8);
}
