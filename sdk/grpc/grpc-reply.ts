import { BufferType, Status } from "../abi/enums";
import { proxy_get_buffer_bytes, proxy_get_status } from "../abi/imports";
import { CalloutOutcome } from "../callout/callout";
import { ByteView } from "../memory/byte-view";
import { GrpcStatus } from "./grpc-status";

/** What a gRPC call brought, readable until the callback returns. */
export class GrpcReply {
  private code: GrpcStatus = GrpcStatus.Ok;
  private size: i32 = 0;
  /** What the status says, and whether that is the service's and still encoded. */
  private message: ByteView | null = null;
  private isOfService: bool = false;

  /**
   * How the call ended. `Unknown` also stands for numbers that gRPC does not have. After a timeout or a reset it is what the
   * proxy makes up: `Unavailable` or `Internal`.
   */
  get status(): GrpcStatus {
    return this.code;
  }

  /** What the service, or the proxy, says about a status other than `Ok`; often empty. */
  get statusMessage(): string {
    const message = this.message;
    if (message === null) return "";
    const text = this.isOfService ? percentDecode(message) : message;
    this.message = text;
    this.isOfService = false;
    return text.toString();
  }

  /** Bytes of the message; 0 when there is none. */
  get length(): i32 {
    return this.size;
  }

  /** The message, a protobuf message as a rule. Valid until the callback returns. Cost: one host call, which copies it. */
  bytes(): ByteView {
    const out = memory.data(8, 4);
    if (this.size == 0) return ByteView.of(0, 0);
    const result = proxy_get_buffer_bytes(BufferType.GrpcReceiveBuffer, 0, this.size, out, out + 4);
    return result == Status.Ok ? ByteView.of(load<usize>(out), load<i32>(out, 4)) : ByteView.of(0, 0);
  }

  /** @internal A message of so many bytes. */
  arrived(size: i32): void {
    this.code = GrpcStatus.Ok;
    this.size = size;
    this.message = null;
  }

  /**
   * @internal The call ended without a message.
   *
   * Envoy tells in the text of the status what became of the call: behind the service's message, in braces, or instead of
   * it. Where a proxy does not, everything counts as an answer.
   */
  ended(status: u32): CalloutOutcome {
    this.code = status > <u32>GrpcStatus.Unauthenticated ? GrpcStatus.Unknown : <GrpcStatus>status;
    this.size = 0;
    this.message = null;
    const out = memory.data(12, 4);
    if (proxy_get_status(out, out + 4, out + 8) != Status.Ok) return CalloutOutcome.Ok;
    const text = ByteView.of(load<usize>(out, 4), load<i32>(out, 8));
    const answered = endOf(text, "{via_upstream}");
    if (answered >= 0) {
      this.message = text.slice(0, answered);
      this.isOfService = true;
      return CalloutOutcome.Ok;
    }
    if (text.equals("via_upstream")) return CalloutOutcome.Ok;
    this.message = text;
    this.isOfService = false;
    if (text.equals("response_timeout") || text.endsWith("{response_timeout}")) return CalloutOutcome.Timeout;
    if (text.startsWith("upstream_reset_") || text.startsWith("upstream connect error or disconnect/reset")) {
      return CalloutOutcome.Reset;
    }
    this.isOfService = true;
    return CalloutOutcome.Ok;
  }
}

/** What the running callback is about. */
// @ts-ignore: decorator
@lazy
export const grpcReply = new GrpcReply();

/** Where the text at the end of `bytes` begins; -1 when they end otherwise. */
function endOf(bytes: ByteView, text: string): i32 {
  return bytes.endsWith(text) ? bytes.length - text.length : -1;
}

/** The text of a `grpc-message`: bytes are written as they are or as `%` and two hexadecimal digits. Decodes in place. */
function percentDecode(bytes: ByteView): ByteView {
  let to = 0;
  let from = 0;
  while (from < bytes.length) {
    const high = hexDigit(bytes.at(from + 1));
    const low = hexDigit(bytes.at(from + 2));
    if (bytes.at(from) == 0x25 && high >= 0 && low >= 0) {
      bytes.setAt(to, <u8>((high << 4) | low));
      from += 3;
    } else {
      bytes.setAt(to, bytes.at(from));
      from += 1;
    }
    to += 1;
  }
  return bytes.slice(0, to);
}

/** -1 for what is none. */
function hexDigit(byte: u8): i32 {
  if (byte - 0x30 < 10) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
