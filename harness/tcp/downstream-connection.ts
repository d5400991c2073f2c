import type { Dispatcher } from "../emulator/dispatcher.ts";
import type { BodyInit, TcpConnection } from "../host.ts";
import { ByteBuffer } from "../http/byte-buffer.ts";
import type { StreamInfo } from "../http/stream-info.ts";
import { CloseType, type NetworkFilter } from "./network-filter.ts";
import { Received } from "./received.ts";

/** Where a client receives. */
export interface ClientEnd {
  add(bytes: Uint8Array): void;
  /** Nothing more comes. A connection that was ended can still be broken off. */
  end(state: "ended" | "reset"): void;
  /** Nothing is wanted from the client either; what was sent still arrives. */
  close?(): void;
  /** What the client sends is not read for now. */
  pause?(isPaused: boolean): void;
}

/** A client's TCP connection and its chain of filters. The public methods of {@link TcpConnection} are the client's. */
export class DownstreamConnection implements TcpConnection {
  readonly info: StreamInfo;
  /** Whether the client broke the connection off. */
  wasReset = false;
  readonly #dispatcher: Dispatcher;
  readonly #filters: NetworkFilter[] = [];
  /** Filters that know of the connection. */
  #begun = 0;
  /** Sent by the client and not read yet. */
  readonly #unread = new ByteBuffer();
  #hasUnreadEnd = false;
  #pauses = 0;
  /** Read, and not taken by the last filter yet. */
  readonly #readBuffer = new ByteBuffer();
  #readEnded = false;
  #writeEnded = false;
  #isClosed = false;
  readonly #received = new Received();
  readonly #client: ClientEnd;
  /** Set by whoever fills the client's end: it shall wait, or go on. */
  clientBlocked: (isBlocked: boolean) => void = () => {};

  /** @param client takes what is sent; without one it is kept */
  constructor(info: StreamInfo, dispatcher: Dispatcher, client: ClientEnd | null = null) {
    this.info = info;
    this.#dispatcher = dispatcher;
    this.#client = client ?? this.#received;
  }

  add(filter: NetworkFilter): void {
    this.#filters.push(filter);
  }

  start(): void {
    this.#read(0);
    this.#dispatcher.run();
  }

  write(data: BodyInit): void {
    this.#unread.add(typeof data === "string" ? Buffer.from(data) : data);
    this.#takeUnread();
    this.#dispatcher.run();
  }

  end(): void {
    this.#hasUnreadEnd = true;
    this.#takeUnread();
    this.#dispatcher.run();
  }

  reset(): void {
    this.wasReset = true;
    this.#close(CloseType.Remote);
    this.#dispatcher.run();
  }

  get received(): Uint8Array {
    return this.#received.bytes;
  }

  get state(): "open" | "ended" | "reset" {
    return this.#received.state;
  }

  async waitForBytes(count: number): Promise<Uint8Array> {
    return await this.#received.waitForBytes(count);
  }

  async waitForEnd(): Promise<"ended" | "reset"> {
    return await this.#received.waitForEnd();
  }

  pauseReading(): void {
    this.#pauses++;
    this.#client.pause?.(true);
  }

  resumeReading(): void {
    this.#pauses--;
    this.#takeUnread();
    if (this.#pauses === 0) this.#client.pause?.(false);
  }

  /** Goes on behind a filter that had stopped. */
  continueReading(filter: NetworkFilter): void {
    if (!this.#isClosed) this.#read(this.#filters.indexOf(filter) + 1);
  }

  /** Sends what the filters let pass; what they stop stays in `data`. */
  writeToClient(data: ByteBuffer, endStream: boolean): void {
    if (this.#isClosed || this.#writeEnded) return;
    for (const filter of this.#filters.toReversed()) {
      if (!filter.onWrite(data, endStream) || this.#isClosed) return;
    }
    this.info.bytesSent += data.length;
    if (data.length > 0) this.#client.add(data.takeBytes());
    if (!endStream) return;
    this.#writeEnded = true;
    this.#client.end("ended");
    if (this.#readEnded) this.#closeWhole(CloseType.Local);
  }

  /** The proxy closes the connection. */
  close(isReset = false): void {
    if (this.#isClosed) return;
    this.#close(CloseType.Local);
    // A socket that is closed before all of it was read is reset.
    const isBroken = isReset || this.#unread.length > 0;
    this.#client.end(isBroken ? "reset" : "ended");
    if (!isBroken) this.#client.close?.();
  }

  /** Both directions have ended. */
  #closeWhole(type: CloseType): void {
    this.#close(type);
    this.#client.close?.();
  }

  #takeUnread(): void {
    if (this.#isClosed || this.#pauses > 0 || this.#readEnded) return;
    if (this.#unread.length === 0 && !this.#hasUnreadEnd) return;
    this.info.bytesReceived += this.#unread.length;
    this.#readBuffer.move(this.#unread);
    this.#readEnded = this.#hasUnreadEnd;
    this.#read(0);
    if (this.#readEnded && this.#writeEnded) this.#closeWhole(CloseType.Remote);
  }

  #read(from: number): void {
    for (const [i, filter] of this.#filters.entries()) {
      if (i < from) continue;
      if (i >= this.#begun) {
        this.#begun = i + 1;
        if (!filter.onNewConnection() || this.#isClosed) return;
      }
      if (this.#readBuffer.length === 0 && !this.#readEnded) continue;
      if (!filter.onData(this.#readBuffer, this.#readEnded) || this.#isClosed) return;
    }
  }

  #close(type: CloseType): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const filter of this.#filters) filter.onClose(type);
  }
}
