import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { HeaderMap } from "../http/header-map.ts";
import type { ResponseSink } from "../http/stream.ts";
import { runGuest } from "../testing/run.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

it("does not grow with the streams that have passed", async () => {
  await using host = await runGuest((w) => ({
    proxy_on_request_headers: `${w.add(0, "x-a", "1")} (i32.const 0)`,
    proxy_on_response_headers: `${w.add(2, "x-a", "1")} (i32.const 0)`,
    proxy_on_log: "",
  }));
  host.keepLatest();
  let complete = 0;
  const sink: ResponseSink = {
    headers: () => {},
    data: (_bytes, endStream) => (complete += endStream ? 1 : 0),
    trailers: () => {},
    reset: () => {},
    pauseRequest: () => {},
  };
  const pass = (streams: number) => {
    for (let i = 0; i < streams; i++) {
      const headers = { ":authority": "x", ":path": "/", ":method": "GET", "user-agent": "curl" };
      host.openStream(sink).headers(HeaderMap.from("requestHeaders", headers), true);
    }
    collect();
    return process.memoryUsage().heapUsed;
  };
  // The requests a mocked cluster keeps are bounded: past that bound nothing grows.
  const before = pass(20_000);
  const after = pass(60_000);
  expect(complete).toBe(80_000);
  expect(after - before).toBeLessThan(8 * 1024 * 1024);
});
