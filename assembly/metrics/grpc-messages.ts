import { Body } from "@attache/sdk";

/** Bytes that are looked at with one host call. */
const WINDOW: i32 = 1024;

/**
 * Counts the messages in one direction of a gRPC stream as they pass, cut anywhere: of each it reads the prefix only, and
 * counts it once its first byte has come, as Envoy's `grpc_stats` does.
 */
@final
export class MessageCounter {
  /** Messages so far. */
  count: u32 = 0;
  /** Bytes of the next prefix that have come. */
  private position: i32 = 0;
  /** Length of a message, as far as its prefix has come. */
  private length: u32 = 0;
  /** Bytes until that prefix goes on. */
  private distance: u64 = 0;
  /** Whether the bytes were no message: what follows cannot be told. */
  private isBroken: bool = false;

  /** Takes the next piece of the body. */
  read(body: Body): void {
    const size = <u64>body.length;
    let at = this.distance;
    while (at < size && !this.isBroken) {
      const window = body.bytes(<i32>at, WINDOW);
      if (window.length == 0) return;
      const start = at;
      const end = at + window.length;
      while (at < end && !this.isBroken) at += this.take(window.at(<i32>(at - start)));
    }
    this.distance = at - size;
  }

  /**
   * Takes a byte of a prefix: whether the message is compressed (0 or 1), then its length in four bytes.
   *
   * @returns where the next one is, from this one
   */
  private take(byte: u8): u64 {
    if (this.position == 0) {
      this.isBroken = byte > 1;
      if (this.isBroken) return 1;
      this.count += 1;
      this.length = 0;
      this.position = 1;
      return 1;
    }
    this.length = (this.length << 8) | byte;
    this.position = (this.position + 1) % 5;
    return this.position == 0 ? 1 + <u64>this.length : 1;
  }
}

/** The messages of a gRPC stream, and how many of them are in the metrics. */
@final
export class GrpcMessages {
  readonly requests: MessageCounter = new MessageCounter();
  readonly responses: MessageCounter = new MessageCounter();
  reportedRequests: u32 = 0;
  reportedResponses: u32 = 0;

  /** @param reportedNs when they were last reported; at first when the stream began */
  constructor(public reportedNs: u64) {}

  get isReported(): bool {
    return this.reportedRequests == this.requests.count && this.reportedResponses == this.responses.count;
  }
}
