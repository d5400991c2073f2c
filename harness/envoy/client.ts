import { request } from "node:http";
import { HarnessError } from "../errors.ts";
import type { RequestOptions, Response } from "../host.ts";
import { bodyChunks, headerPairs, pairsOf, ResponseData } from "../message.ts";

/** Sends one HTTP/1.1 request on a connection of its own; header bytes go and come as they are. */
export async function sendRequest(port: number, path: string, options: RequestOptions = {}): Promise<Response> {
  const headers = headerPairs(options.headers);
  const body = bodyChunks(options.body);
  const trailers = headerPairs(options.trailers);
  if (!headers.some(([name]) => name === "host")) headers.unshift(["host", "localhost"]);
  if (!headers.some(([name]) => name === "content-length" || name === "transfer-encoding")) {
    if (trailers.length > 0 || body.length > 1) headers.push(["transfer-encoding", "chunked"]);
    else if (body.length === 1) headers.push(["content-length", String(body[0]!.length)]);
    else if (["POST", "PUT", "PATCH"].includes(options.method ?? "")) headers.push(["content-length", "0"]);
  }
  return await new Promise((resolve, reject) => {
    const reset = (error: Error) =>
      reject(new HarnessError("STREAM_RESET", `${path}: the stream was reset (${error.message})`, { cause: error }));
    const outgoing = request({
      host: "127.0.0.1",
      port,
      path,
      method: options.method ?? "GET",
      headers: headers.flat(),
      agent: false,
      // Never the limit: what is too large is Envoy's to say.
      maxHeaderSize: 1 << 24,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    outgoing.maxHeadersCount = 0;
    outgoing.on("error", reset);
    outgoing.on("response", (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", reset);
      incoming.on("end", () => {
        const parts = { body: Buffer.concat(chunks), trailers: pairsOf(incoming.rawTrailers) };
        const hopByHop = new Set(["connection", "keep-alive", "transfer-encoding"]);
        const received = pairsOf(incoming.rawHeaders).filter(([name]) => !hopByHop.has(name));
        resolve(new ResponseData({ status: incoming.statusCode!, headers: received, ...parts }));
      });
    });
    for (const chunk of body) outgoing.write(chunk);
    if (trailers.length > 0) outgoing.addTrailers(Object.fromEntries(trailers));
    outgoing.end();
  });
}
