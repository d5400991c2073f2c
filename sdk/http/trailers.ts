import { MapType } from "../abi/enums";
import { HeaderMap } from "./header-map";

/**
 * Trailers of the request: headers after the body, as gRPC's or those of HTTP/1.1 chunks. See {@link HeaderMap} for
 * reading and writing them.
 *
 * Allowed in: `onRequestTrailers`, and later while the trailers are still held. Elsewhere every trailer is absent and
 * writing answers `false`. A request that has none gets some by `Body.addTrailer`.
 */
export class RequestTrailers extends HeaderMap {
  constructor() {
    super(MapType.HttpRequestTrailers);
  }
}

/**
 * Trailers of the response; a gRPC response has its `grpc-status` here. See {@link HeaderMap} for reading and writing
 * them.
 *
 * Allowed in: `onResponseTrailers`, later while the trailers are still held, and reading in `onLog`. Elsewhere every
 * trailer is absent and writing answers `false`. A response that has none gets some by `Body.addTrailer`.
 */
export class ResponseTrailers extends HeaderMap {
  constructor() {
    super(MapType.HttpResponseTrailers);
  }
}

/** The two maps of the stream that the running callback is for. */
// @ts-ignore: decorator
@lazy
export const requestTrailers = new RequestTrailers();
// @ts-ignore: decorator
@lazy
export const responseTrailers = new ResponseTrailers();
