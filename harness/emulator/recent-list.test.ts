import { expect, it } from "vitest";
import type { ResponseSink } from "../http/stream.ts";
import { HeaderMap } from "../http/header-map.ts";
import { serve } from "../serve/serve.ts";
import { runGuest } from "../testing/run.ts";

const sink: ResponseSink = {
  headers: () => {},
  data: () => {},
  trailers: () => {},
  reset: () => {},
  pauseRequest: () => {},
};

async function afterRequests(count: number, isServed: boolean) {
  await using host = await runGuest((w) => ({ proxy_on_log: w.log("done") }));
  const server = isServed ? await serve(host, { port: 0 }) : null;
  for (let i = 0; i < count; i++) {
    const headers = { ":authority": "x", ":path": `/${i}`, ":method": "GET" };
    host.openStream(sink).headers(HeaderMap.from("requestHeaders", headers), true);
  }
  await server?.close();
  const requests = host.requests("up");
  return { requests: requests.length, logs: host.logs.length, last: requests.at(-1)!.path };
}

it("a test sees every request and log line", async () => {
  expect(await afterRequests(25_000, false)).toEqual({ requests: 25_000, logs: 25_000, last: "/24999" });
});

it("an emulator that serves keeps the latest requests and log lines", async () => {
  expect(await afterRequests(25_000, true)).toEqual({ requests: 15_000, logs: 15_000, last: "/24999" });
});
