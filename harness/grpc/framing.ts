/** A message as it goes over the wire: a flag, its length, its bytes (gRPC over HTTP/2, "Length-Prefixed-Message"). */
export function frame(message: Uint8Array): Uint8Array {
  const framed = Buffer.alloc(5 + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, 5);
  return framed;
}

export interface Frame {
  /** 0, or 1 for a compressed message. */
  flag: number;
  message: Uint8Array;
}

/** Finds the messages in bytes that come in pieces. */
export class FrameReader {
  #rest: Uint8Array = new Uint8Array(0);

  /** The messages that these bytes complete; `null` when a flag is neither 0 nor 1. */
  add(bytes: Uint8Array): Frame[] | null {
    const all = Buffer.concat([this.#rest, bytes]);
    const frames: Frame[] = [];
    let at = 0;
    while (all.length > at) {
      if (all[at]! > 1) return null;
      if (all.length - at < 5) break;
      const size = all.readUInt32BE(at + 1);
      if (all.length - at - 5 < size) break;
      frames.push({ flag: all[at]!, message: all.subarray(at + 5, at + 5 + size) });
      at += 5 + size;
    }
    this.#rest = all.subarray(at);
    return frames;
  }
}
