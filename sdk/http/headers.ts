import { MapType } from "../abi/enums";
import { HeaderMap } from "./header-map";

/** Headers of the request; see {@link HeaderMap} for reading and writing any of them. */
export class RequestHeaders extends HeaderMap {
  constructor() {
    super(MapType.HttpRequestHeaders);
  }

  /** `:method`, such as `GET`; empty when it cannot be read in this callback. */
  get method(): string {
    return this.pseudo(":method");
  }

  /** `:path` with its query, such as `/a?b=1`; empty when it cannot be read in this callback. */
  get path(): string {
    return this.pseudo(":path");
  }

  set path(path: string) {
    this.set(":path", path);
  }

  /** `:authority`: host and, if it is not the scheme's own, port; empty when it cannot be read in this callback. */
  get authority(): string {
    return this.pseudo(":authority");
  }

  set authority(authority: string) {
    this.set(":authority", authority);
  }

  /** `:scheme`: `http` or `https`; empty when it cannot be read in this callback. */
  get scheme(): string {
    return this.pseudo(":scheme");
  }

  private pseudo(name: string): string {
    const value = this.get(name);
    return value === null ? "" : value;
  }
}

/** Headers of the response; see {@link HeaderMap} for reading and writing any of them. */
export class ResponseHeaders extends HeaderMap {
  constructor() {
    super(MapType.HttpResponseHeaders);
  }

  /** `:status`, such as 200; 0 when it cannot be read in this callback. */
  get status(): i32 {
    const value = this.getBytes(":status");
    if (value === null) return 0;
    let status = 0;
    for (let index = 0; index < value.length && index < 3; index++) status = status * 10 + value.at(index) - 0x30;
    return status;
  }
}

/** The two maps of the stream that the running callback is for. */
// @ts-ignore: decorator
@lazy
export const requestHeaders = new RequestHeaders();
// @ts-ignore: decorator
@lazy
export const responseHeaders = new ResponseHeaders();
