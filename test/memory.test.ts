import { startEmulator, HeaderMap, type Emulator, type ResponseSink } from "@attache/harness";
import { expect, it } from "vitest";
import { compileFilter, filterSource } from "./compile-filter.ts";

/** Tells the size of its memory in each response, and allocates as filters do: objects, strings, arrays. */
const source = filterSource(
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

/** Memory of the guest, in pages of 64 KiB, after `streams` more streams. */
function run(emulator: Emulator, streams: number): number {
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
    emulator.openStream(pages, { connection }).headers(headers, true);
  }
  return pages.count;
}

it("a filter holds as much memory after 1,000,000 streams as after 100,000", { timeout: 300_000 }, async () => {
  await using emulator = await startEmulator({ plugins: [{ module: await compileFilter(source) }] });
  const early = run(emulator, 100_000);
  expect(early).toBeGreaterThan(0);
  expect(run(emulator, 900_000)).toBe(early);
});
