import type { ByteBuffer } from "../http/byte-buffer.ts";

/** Who closed a connection, as `proxy_on_downstream_connection_close` is told. */
export const CloseType = { Unknown: 0, Local: 1, Remote: 2 } as const;
export type CloseType = (typeof CloseType)[keyof typeof CloseType];

/** A filter of a TCP connection. What answers `false` stops the chain here. */
export interface NetworkFilter {
  onNewConnection(): boolean;
  /** @param data everything that came and was not taken yet; what stays in it comes again */
  onData(data: ByteBuffer, endStream: boolean): boolean;
  /** @param data what is to be written to the client */
  onWrite(data: ByteBuffer, endStream: boolean): boolean;
  onClose(type: CloseType): void;
}
