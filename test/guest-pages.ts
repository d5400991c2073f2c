import { HeaderMap, type Emulator, type HttpStream, type ResponseSink } from "@attache/harness";
import { filterSource } from "./compile-filter.ts";

/** Tells the size of its memory in each response, and allocates as filters do: objects, strings, arrays. */
export const allocatingFilter = filterSource(
  `private kept: string[] = [];
  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    this.kept.push(headers.path + "!" + headers.getAll("x-many").join(","));
    headers.set("x-kept", this.kept[0]);
    return FilterHeaders.Continue;
  }
  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    headers.set("x-pages", memory.size().toString());
    return FilterHeaders.Continue;
  }`,
);

class Pages implements ResponseSink {
  count = 0;
  headers(headers: HeaderMap): void {
    this.count = Number(headers.get("x-pages"));
  }
  data(): void {}
  trailers(): void {}
  reset(): void {}
  pauseRequest(): void {}
}

export type Send = (stream: HttpStream, headers: HeaderMap, index: number) => void;

/** Memory of the guest, in pages of 64 KiB, after `streams` more streams. */
export function pagesAfter(
  emulator: Emulator,
  streams: number,
  send: Send = (stream, headers) => stream.headers(headers, true),
): number {
  const pages = new Pages();
  const connection = emulator.connect();
  for (let index = 0; index < streams; index++) {
    const headers = HeaderMap.from("requestHeaders", [
      [":authority", "localhost"],
      [":path", `/path-${index}`],
      [":method", "GET"],
      [":scheme", "http"],
      ["x-many", "a"],
      ["x-many", "b"],
    ]);
    send(emulator.openStream(pages, { connection }), headers, index);
  }
  return pages.count;
}
