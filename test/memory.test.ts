import { HeaderMap, startEmulator } from "@attache/harness";
import { expect, it } from "vitest";
import { compileFilter, filterSource } from "./compile-filter.ts";
import { allocatingFilter, pagesAfter, type Send } from "./guest-pages.ts";

it("a filter holds as much memory after 1,000,000 streams as after 100,000", { timeout: 300_000 }, async () => {
  await using emulator = await startEmulator({ plugins: [{ module: await compileFilter(allocatingFilter) }] });
  const early = pagesAfter(emulator, 100_000);
  expect(early).toBeGreaterThan(0);
  expect(pagesAfter(emulator, 900_000)).toBe(early);
});

/** Collects each request's body and sends it on longer. */
const bodySource = filterSource(
  `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    return headers.collectBody(endOfStream, 1000000, OverLimit.Reject, BodyAccess.Change);
  }
  override onWholeRequestBody(body: Body): FilterData {
    body.replace(body.text().replace("b", "long"));
    body.addTrailer("x-length", body.length.toString());
    return FilterData.Continue;
  }
  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    headers.set("x-pages", memory.size().toString());
    return FilterHeaders.Continue;
  }`,
);

const piece = Buffer.from("abc".repeat(300));
const largePiece = Buffer.alloc(300_000, "a");

/** Most bodies are small; some are large, end in trailers, or never end because the client goes away. */
const sendBody: Send = (stream, headers, index) => {
  stream.headers(headers, false);
  stream.data(index % 1000 === 1 ? largePiece : piece, false);
  if (index % 5 === 2) stream.clientReset();
  else if (index % 7 === 3) stream.trailers(HeaderMap.from("requestTrailers", [["x-a", "1"]]));
  else stream.data(piece, true);
};

it("a filter of bodies holds as much memory after 100,000 streams as after 20,000", { timeout: 300_000 }, async () => {
  await using emulator = await startEmulator({ plugins: [{ module: await compileFilter(bodySource) }] });
  const early = pagesAfter(emulator, 20_000, sendBody);
  expect(early).toBeGreaterThan(0);
  expect(pagesAfter(emulator, 80_000, sendBody)).toBe(early);
});
