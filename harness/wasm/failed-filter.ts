import type { ByteBuffer } from "../http/byte-buffer.ts";
import { DataStatus, HeadersStatus, TrailersStatus, type HttpFilter } from "../http/filter.ts";
import type { FilterManager } from "../http/filter-manager.ts";
import type { HeaderMap } from "../http/header-map.ts";

/** Stands in the chain for a plugin whose VM has failed and that fails closed: answers 503. */
export class FailedFilter implements HttpFilter {
  readonly #manager: FilterManager;

  constructor(manager: FilterManager) {
    this.#manager = manager;
    manager.add(this, false);
  }

  decodeHeaders(_headers: HeaderMap, _endStream: boolean): HeadersStatus {
    this.#manager.sendLocalReply({ status: 503, body: "", headers: [], grpcStatus: 14, details: "wasm_fail_stream" });
    return HeadersStatus.StopAllIterationAndWatermark;
  }

  decodeData(_data: ByteBuffer, _endStream: boolean): DataStatus {
    return DataStatus.StopIterationNoBuffer;
  }

  decodeTrailers(_trailers: HeaderMap): TrailersStatus {
    return TrailersStatus.StopIteration;
  }

  encodeHeaders(_headers: HeaderMap, _endStream: boolean): HeadersStatus {
    return HeadersStatus.Continue;
  }

  encodeData(_data: ByteBuffer, _endStream: boolean): DataStatus {
    return DataStatus.Continue;
  }

  encodeTrailers(_trailers: HeaderMap): TrailersStatus {
    return TrailersStatus.Continue;
  }

  complete(): void {}

  destroy(): void {}
}
