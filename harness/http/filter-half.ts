import { ByteBuffer } from "./byte-buffer.ts";
import { DataStatus, HeadersStatus, TrailersStatus, type HttpFilter } from "./filter.ts";
import type { FilterManager } from "./filter-manager.ts";

const Iteration = { Continue: 0, StopSingle: 1, StopAllBuffer: 2, StopAllWatermark: 3 } as const;

/**
 * One direction of one filter in one stream: whether iteration is stopped at it, and how it goes on.
 *
 * A *single* stop holds headers while data and trailers still come to the filter; a stop of *all* holds everything, and
 * iteration later resumes with this filter's own data callback.
 */
export abstract class FilterHalf {
  readonly filter: HttpFilter;
  index: number;
  protected readonly manager: FilterManager;
  iteration: number = Iteration.Continue;
  /** Set while resuming from a stop of all: data and trailers start with this filter instead of the next. */
  iteratesFromCurrent = false;
  headersContinued = false;
  /** This filter has seen the end of the stream. */
  endStream = false;

  constructor(manager: FilterManager, filter: HttpFilter, index: number) {
    this.manager = manager;
    this.filter = filter;
    this.index = index;
  }

  protected abstract canContinue(): boolean;
  protected abstract get isComplete(): boolean;
  protected abstract get hasTrailers(): boolean;
  protected abstract get buffered(): ByteBuffer | null;
  protected abstract set buffered(buffer: ByteBuffer | null);
  /** What is held back may wait with back-pressure instead of failing over the buffer limit. */
  protected abstract set streams(value: boolean);
  protected abstract createBuffer(): ByteBuffer;
  protected abstract doHeaders(endStream: boolean): void;
  protected abstract doData(endStream: boolean): void;
  protected abstract doTrailers(): void;

  get canIterate(): boolean {
    return this.iteration === Iteration.Continue;
  }

  get hasStoppedAll(): boolean {
    return this.iteration === Iteration.StopAllBuffer || this.iteration === Iteration.StopAllWatermark;
  }

  get stopsAllWithWatermark(): boolean {
    return this.iteration === Iteration.StopAllWatermark;
  }

  /** Sends on what this filter held back. */
  continue(): void {
    if (!this.canContinue()) return;
    if (this.hasStoppedAll) this.iteratesFromCurrent = true;
    this.iteration = Iteration.Continue;
    if (!this.headersContinued) {
      this.headersContinued = true;
      this.doHeaders(this.isComplete && this.buffered === null && !this.hasTrailers);
    }
    // Trailers that doData() brings about are sent on by doData() itself.
    const hadTrailers = this.hasTrailers;
    if (this.buffered !== null) this.doData(this.isComplete && !hadTrailers);
    if (hadTrailers) this.doTrailers();
    this.iteratesFromCurrent = false;
  }

  /** As {@link continue}; Envoy asserts that something was stopped, and does nothing harmful otherwise. */
  continueWhenStopped(): void {
    if (!this.manager.isDestroyed) this.continue();
  }

  /** Pretends that this filter stopped after headers, so that {@link continue} sends the body that was added. */
  continueWithAddedData(): void {
    this.iteration = Iteration.StopSingle;
    this.continue();
  }

  /** Whether the headers go on to the next filter. */
  handledHeaders(status: HeadersStatus): boolean {
    switch (status) {
      case HeadersStatus.Continue:
        this.headersContinued = true;
        return true;
      case HeadersStatus.StopIteration:
        this.iteration = Iteration.StopSingle;
        return false;
      case HeadersStatus.StopAllIterationAndBuffer:
        this.iteration = Iteration.StopAllBuffer;
        return false;
      case HeadersStatus.StopAllIterationAndWatermark:
        this.iteration = Iteration.StopAllWatermark;
        return false;
    }
  }

  /** Whether the data goes on to the next filter. */
  handledData(status: DataStatus, data: ByteBuffer): boolean {
    if (status === DataStatus.Continue) {
      if (this.iteration !== Iteration.StopSingle) return true;
      this.buffer(data);
      this.continue();
      return false;
    }
    this.iteration = Iteration.StopSingle;
    if (status !== DataStatus.StopIterationNoBuffer) {
      this.streams = status === DataStatus.StopIterationAndWatermark;
      this.buffer(data);
      return false;
    }
    // Filters that remember it find nothing in it.
    data.drain(data.length);
    if (this.isComplete && !this.hasTrailers && this.buffered === null && !this.manager.isDestroyed) {
      // So that continuing sends an empty data frame that ends the stream.
      this.buffered = this.createBuffer();
    }
    return false;
  }

  handledTrailers(status: TrailersStatus): boolean {
    if (status === TrailersStatus.Continue) {
      if (this.iteration !== Iteration.StopSingle) return true;
      this.continue();
      return false;
    }
    if (this.canIterate) this.iteration = Iteration.StopSingle;
    return false;
  }

  /** Holds data back; data that already is the buffer was changed in place. */
  buffer(data: ByteBuffer): void {
    if (this.buffered === data) return;
    this.buffered ??= this.createBuffer();
    this.buffered.move(data);
  }
}

/** The request direction of a filter. */
export class DecoderHalf extends FilterHalf {
  protected canContinue(): boolean {
    // A response may have been sent while this filter held the request.
    return !this.manager.isLocalComplete;
  }

  protected get isComplete(): boolean {
    return this.manager.isRemoteComplete;
  }

  protected get hasTrailers(): boolean {
    return this.manager.stream.requestTrailers !== null;
  }

  protected get buffered(): ByteBuffer | null {
    return this.manager.bufferedRequest;
  }

  protected set buffered(buffer: ByteBuffer | null) {
    this.manager.bufferedRequest = buffer;
  }

  protected set streams(value: boolean) {
    this.manager.decoderStreams = value;
  }

  protected createBuffer(): ByteBuffer {
    return this.manager.createRequestBuffer();
  }

  protected doHeaders(endStream: boolean): void {
    this.manager.decodeHeaders(this, endStream);
  }

  protected doData(endStream: boolean): void {
    this.manager.decodeData(this, this.manager.bufferedRequest!, endStream, true);
  }

  protected doTrailers(): void {
    this.manager.decodeTrailers(this);
  }
}

/** The response direction of a filter. */
export class EncoderHalf extends FilterHalf {
  protected canContinue(): boolean {
    return !this.manager.isEncodeComplete;
  }

  protected get isComplete(): boolean {
    return this.manager.isLocalComplete;
  }

  protected get hasTrailers(): boolean {
    return this.manager.stream.responseTrailers !== null;
  }

  protected get buffered(): ByteBuffer | null {
    return this.manager.bufferedResponse;
  }

  protected set buffered(buffer: ByteBuffer | null) {
    this.manager.bufferedResponse = buffer;
  }

  protected set streams(value: boolean) {
    this.manager.encoderStreams = value;
  }

  protected createBuffer(): ByteBuffer {
    return this.manager.createResponseBuffer();
  }

  protected doHeaders(endStream: boolean): void {
    this.manager.encodeHeaders(this, endStream);
  }

  protected doData(endStream: boolean): void {
    this.manager.encodeData(this, this.manager.bufferedResponse!, endStream, true);
  }

  protected doTrailers(): void {
    this.manager.encodeTrailers(this);
  }
}
