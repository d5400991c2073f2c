import type { ByteBuffer } from "./byte-buffer.ts";
import { DataStatus, HeadersStatus, TrailersStatus, type HttpFilter } from "./filter.ts";
import { DecoderHalf, EncoderHalf, type FilterHalf } from "./filter-half.ts";
import { HeaderMap } from "./header-map.ts";
import { composeLocalReply, type LocalReply, type ComposedReply } from "./local-reply.ts";
import type { HttpStream } from "./stream.ts";
import { WatermarkBuffer } from "./watermark-buffer.ts";

const Calling = {
  DecodeHeaders: 1,
  DecodeData: 2,
  DecodeTrailers: 4,
  EncodeHeaders: 8,
  EncodeData: 16,
  EncodeTrailers: 32,
  EndOfStream: 64,
} as const;
const decoding = Calling.DecodeHeaders | Calling.DecodeData | Calling.DecodeTrailers;
const encoding = Calling.EncodeHeaders | Calling.EncodeData | Calling.EncodeTrailers;

/** Takes one stream's request through the filters in order, its response in reverse, and local replies back. */
export class FilterManager {
  readonly stream: HttpStream;
  bufferedRequest: ByteBuffer | null = null;
  bufferedResponse: ByteBuffer | null = null;
  decoderStreams = true;
  encoderStreams = true;
  /** The response is complete, as far as its maker is concerned. */
  isLocalComplete = false;
  /** The whole response has gone to the client. */
  isEncodeComplete = false;
  /** The whole request has come from the client. */
  isRemoteComplete = false;
  isDestroyed = false;
  /** Response headers have gone to the client. */
  headersSent = false;

  readonly #decoders: DecoderHalf[] = [];
  /** In the order responses pass them. */
  readonly #encoders: EncoderHalf[] = [];
  readonly #filters: HttpFilter[] = [];
  #calling = 0;
  #decodingAborted = false;
  #encodingAborted = false;
  #preparedReply: ComposedReply | null = null;
  readonly #bufferLimit: number;

  constructor(stream: HttpStream, bufferLimit: number) {
    this.stream = stream;
    this.#bufferLimit = bufferLimit;
  }

  /** The last filter added is the terminal one, which makes the response and does not see it. */
  add(filter: HttpFilter, isTerminal: boolean): { decoder: DecoderHalf; encoder: EncoderHalf } {
    const decoder = new DecoderHalf(this, filter, this.#decoders.length);
    this.#filters.push(filter);
    this.#decoders.push(decoder);
    const encoder = new EncoderHalf(this, filter, 0);
    if (!isTerminal) this.#encoders.unshift(encoder);
    return { decoder, encoder };
  }

  /** All filters are there. */
  seal(): void {
    for (let i = 0; i < this.#encoders.length; i++) this.#encoders[i]!.index = i;
  }

  decodeHeaders(from: DecoderHalf | null, endStream: boolean): void {
    const headers = this.stream.requestHeaders!;
    let continueAt: DecoderHalf | null = null;
    for (let i = from === null ? 0 : from.index + 1; i < this.#decoders.length; i++) {
      const half = this.#decoders[i]!;
      half.endStream = endStream && continueAt === null;
      this.#enter(Calling.DecodeHeaders, half.endStream);
      let status: HeadersStatus = half.filter.decodeHeaders(headers, half.endStream);
      this.#leave(Calling.DecodeHeaders);
      if (this.#decodingAborted) {
        this.#sendPreparedReply();
        status = HeadersStatus.StopIteration;
      }
      const goesOn = half.handledHeaders(status);
      const isLast = i + 1 === this.#decoders.length;
      if ((this.isLocalComplete || !goesOn) && !isLast) break;
      // A filter added a body to a request that had none: later filters see headers that do not end the stream.
      if (endStream && this.bufferedRequest !== null && continueAt === null) continueAt = half;
    }
    continueAt?.continueWithAddedData();
  }

  decodeData(from: DecoderHalf | null, data: ByteBuffer, endStream: boolean, canStartFromCurrent: boolean): void {
    if (this.isLocalComplete) return;
    const stream = this.stream;
    const hadTrailers = stream.requestTrailers !== null;
    let trailersAddedAt: DecoderHalf | null = null;
    for (let i = start(from, canStartFromCurrent); i < this.#decoders.length; i++) {
      const half = this.#decoders[i]!;
      if (half.hasStoppedAll) {
        this.decoderStreams = half.stopsAllWithWatermark;
        half.buffer(data);
        return;
      }
      // A reentrant continuation already brought the end past this filter.
      if (half.endStream) return;
      half.endStream = endStream && stream.requestTrailers === null;
      this.#enter(Calling.DecodeData, endStream);
      const status = half.filter.decodeData(data, half.endStream);
      this.#leave(Calling.DecodeData);
      if (this.#decodingAborted) {
        this.#sendPreparedReply();
        return;
      }
      if (!hadTrailers && stream.requestTrailers !== null && trailersAddedAt === null) {
        endStream = false;
        trailersAddedAt = half;
      }
      if (!half.handledData(status, data) && i + 1 !== this.#decoders.length) break;
    }
    if (trailersAddedAt !== null) this.decodeTrailers(trailersAddedAt);
  }

  decodeTrailers(from: DecoderHalf | null): void {
    if (this.isLocalComplete) return;
    const trailers = this.stream.requestTrailers!;
    for (let i = start(from, true); i < this.#decoders.length; i++) {
      const half = this.#decoders[i]!;
      if (half.hasStoppedAll) return;
      this.#enter(Calling.DecodeTrailers, false);
      let status: TrailersStatus = half.filter.decodeTrailers(trailers);
      this.#leave(Calling.DecodeTrailers);
      half.endStream = true;
      if (this.#decodingAborted) {
        this.#sendPreparedReply();
        status = TrailersStatus.StopIteration;
      }
      if (!half.handledTrailers(status)) return;
    }
  }

  /** Only while the last data of the request is in a filter. */
  addDecodedTrailers(): HeaderMap {
    return (this.stream.requestTrailers = new HeaderMap("requestTrailers"));
  }

  addEncodedTrailers(): HeaderMap {
    return (this.stream.responseTrailers = new HeaderMap("responseTrailers"));
  }

  /** Buffers data that a filter adds to what it holds. */
  addDecodedData(half: DecoderHalf, data: ByteBuffer, streams: boolean): void {
    this.decoderStreams = streams;
    half.buffer(data);
  }

  addEncodedData(half: EncoderHalf, data: ByteBuffer, streams: boolean): void {
    this.encoderStreams = streams;
    half.buffer(data);
  }

  encodeHeaders(from: EncoderHalf | null, endStream: boolean): void {
    if (from === null) this.isLocalComplete = endStream;
    const headers = this.stream.responseHeaders!;
    let continueAt: EncoderHalf | null = null;
    for (let i = from === null ? 0 : from.index + 1; i < this.#encoders.length; i++) {
      const half = this.#encoders[i]!;
      half.endStream = endStream && continueAt === null;
      this.#enter(Calling.EncodeHeaders, half.endStream);
      let status: HeadersStatus = half.filter.encodeHeaders(headers, half.endStream);
      this.#leave(Calling.EncodeHeaders);
      if (this.#encodingAborted) status = HeadersStatus.StopIteration;
      if (!half.handledHeaders(status)) {
        if (!half.endStream) continueAt?.continueWithAddedData();
        return;
      }
      if (endStream && this.bufferedResponse !== null && continueAt === null) continueAt = half;
    }
    if (!/^\d+$/.test(headers.get(":status") ?? "")) {
      const reason = "missing required header: :status";
      const details = `filter_removed_required_response_headers{${reason.replaceAll(" ", "_")}}`;
      this.sendLocalReply({ status: 502, body: reason, headers: [], grpcStatus: null, details });
      return;
    }
    const endsHere = endStream && continueAt === null;
    this.headersSent = true;
    this.stream.encodeHeaders(headers, endsHere);
    if (this.isDestroyed) return;
    this.#endEncode(endsHere);
    if (!endsHere) continueAt?.continueWithAddedData();
  }

  encodeData(from: EncoderHalf | null, data: ByteBuffer, endStream: boolean, canStartFromCurrent: boolean): void {
    if (from === null) this.isLocalComplete = endStream;
    const stream = this.stream;
    const hadTrailers = stream.responseTrailers !== null;
    let trailersAddedAt: EncoderHalf | null = null;
    for (let i = start(from, canStartFromCurrent); i < this.#encoders.length; i++) {
      const half = this.#encoders[i]!;
      if (half.hasStoppedAll) {
        this.encoderStreams = half.stopsAllWithWatermark;
        half.buffer(data);
        return;
      }
      if (half.endStream) return;
      half.endStream = endStream && stream.responseTrailers === null;
      this.#enter(Calling.EncodeData, endStream);
      let status: DataStatus = half.filter.encodeData(data, half.endStream);
      if (this.#encodingAborted) status = DataStatus.StopIterationNoBuffer;
      this.#leave(Calling.EncodeData);
      if (!hadTrailers && stream.responseTrailers !== null && trailersAddedAt === null) trailersAddedAt = half;
      if (!half.handledData(status, data)) return;
    }
    const endsHere = endStream && trailersAddedAt === null;
    stream.encodeData(data, endsHere);
    if (this.isDestroyed) return;
    this.#endEncode(endsHere);
    if (trailersAddedAt !== null) this.encodeTrailers(trailersAddedAt);
  }

  encodeTrailers(from: EncoderHalf | null): void {
    if (from === null) this.isLocalComplete = true;
    const trailers = this.stream.responseTrailers!;
    for (let i = start(from, true); i < this.#encoders.length; i++) {
      const half = this.#encoders[i]!;
      if (half.hasStoppedAll) return;
      this.#enter(Calling.EncodeTrailers, false);
      const status = half.filter.encodeTrailers(trailers);
      half.endStream = true;
      this.#leave(Calling.EncodeTrailers);
      if (!half.handledTrailers(status)) return;
    }
    this.stream.encodeTrailers(trailers);
    if (!this.isDestroyed) this.#endEncode(true);
  }

  /**
   * Answers the request in place of the upstream: through the filters when no response has begun, else directly in place
   * of one whose headers have not gone out; afterwards all that is left is to reset the stream.
   */
  sendLocalReply(reply: LocalReply): void {
    const stream = this.stream;
    this.#abortCalling();
    stream.info.responseCodeDetails = reply.details;
    if (stream.responseHeaders === null) {
      stream.route();
      if ((this.#calling & decoding) !== 0) {
        this.#preparedReply ??= composeLocalReply(reply, stream);
      } else {
        this.#encodeReply(composeLocalReply(reply, stream));
      }
    } else if (!this.headersSent) {
      this.encoderStreams = true;
      this.#encodeDirectly(composeLocalReply(reply, stream));
    } else {
      stream.reset("local reset");
    }
  }

  /** The stream ends without an answer, or with half of one. */
  abort(): void {
    this.#abortCalling();
  }

  destroy(): void {
    if (this.isDestroyed) return;
    this.isDestroyed = true;
    for (const filter of this.#filters) filter.complete();
    for (const filter of this.#filters) filter.destroy();
  }

  createRequestBuffer(): ByteBuffer {
    return new WatermarkBuffer(
      this.#bufferLimit,
      () => this.#requestTooLarge(),
      () => this.stream.pauseRequest(false),
    );
  }

  createResponseBuffer(): ByteBuffer {
    return new WatermarkBuffer(
      this.#bufferLimit,
      () => this.#responseTooLarge(),
      () => this.stream.pauseResponse(false),
    );
  }

  #requestTooLarge(): void {
    if (this.decoderStreams) {
      this.stream.pauseRequest(true);
      return;
    }
    const details = "request_payload_too_large";
    this.sendLocalReply({ status: 413, body: "Payload Too Large", headers: [], grpcStatus: null, details });
  }

  #responseTooLarge(): void {
    if (this.encoderStreams) {
      this.stream.pauseResponse(true);
      return;
    }
    const details = "response_payload_too_large";
    this.sendLocalReply({ status: 500, body: "Internal Server Error", headers: [], grpcStatus: null, details });
  }

  #abortCalling(): void {
    if ((this.#calling & decoding) !== 0) this.#decodingAborted = true;
    else if ((this.#calling & encoding) !== 0) this.#encodingAborted = true;
  }

  #enter(call: number, endStream: boolean): void {
    this.#calling |= endStream ? call | Calling.EndOfStream : call;
  }

  #leave(call: number): void {
    this.#calling &= ~(call | Calling.EndOfStream);
  }

  #sendPreparedReply(): void {
    const reply = this.#preparedReply;
    this.#preparedReply = null;
    if (reply !== null) this.#encodeReply(reply);
  }

  /** The filters see the headers of a prepared reply even when the stream was reset meanwhile. */
  #encodeReply(reply: ComposedReply): void {
    this.stream.responseHeaders = reply.headers;
    this.encodeHeaders(null, reply.body === null);
    if (reply.body !== null && !this.isDestroyed) this.encodeData(null, reply.body, true, true);
  }

  #encodeDirectly(reply: ComposedReply): void {
    this.stream.responseHeaders = reply.headers;
    this.headersSent = true;
    this.isLocalComplete = true;
    this.stream.encodeHeaders(reply.headers, reply.body === null);
    if (reply.body !== null && !this.isDestroyed) this.stream.encodeData(reply.body, true);
    if (!this.isDestroyed) this.#endEncode(true);
  }

  #endEncode(endStream: boolean): void {
    if (!endStream) return;
    this.isEncodeComplete = true;
    this.stream.endResponse();
  }
}

function start(from: FilterHalf | null, canStartFromCurrent: boolean): number {
  if (from === null) return 0;
  return canStartFromCurrent && from.iteratesFromCurrent ? from.index : from.index + 1;
}
