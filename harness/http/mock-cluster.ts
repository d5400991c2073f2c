import { METHODS, STATUS_CODES } from "node:http";
import type { Diagnostics } from "../emulator/diagnostics.ts";
import type { Dispatcher } from "../emulator/dispatcher.ts";
import type { ProxyServices } from "../emulator/services.ts";
import type { Clock, Timer } from "../emulator/clock.ts";
import { RecentList } from "../emulator/recent-list.ts";
import { HarnessError } from "../errors.ts";
import type { MockCluster, UpstreamRequest, UpstreamResponse } from "../host.ts";
import { bodyChunks, UpstreamRequestData } from "../message.ts";
import { ByteBuffer } from "./byte-buffer.ts";
import { takesResponse, takesResponseTrailers } from "./codec-limits.ts";
import { flawOfTrailers, frameRequest } from "./framing.ts";
import { HeaderMap } from "./header-map.ts";
import type { UpstreamCluster, UpstreamListener, UpstreamStream } from "./upstream.ts";

/**
 * An upstream written in the test. It answers in the proxy's next turn, once a request is complete; as a server of HTTP/1.1
 * refuses a request that is none, as soon as it has seen so much of it.
 */
export class MockUpstream implements UpstreamCluster {
  readonly name: string;
  readonly hasHosts = true;
  /** Connections whose exchanges are over. */
  idleConnections = 0;
  readonly clock: Clock;
  readonly dispatcher: Dispatcher;
  readonly diagnostics: Diagnostics;
  readonly port: number;
  /** Of all clusters that had this name. */
  readonly received: RecentList<UpstreamRequest>;
  readonly #answer: MockCluster;

  constructor(
    name: string,
    answer: MockCluster,
    services: ProxyServices,
    port: number,
    received: RecentList<UpstreamRequest> | null = null,
  ) {
    this.name = name;
    this.clock = services.clock;
    this.dispatcher = services.dispatcher;
    this.diagnostics = services.diagnostics;
    this.port = port;
    this.received = received ?? new RecentList(services.retention);
    this.#answer = answer;
  }

  get requests(): readonly UpstreamRequest[] {
    return this.received.items;
  }

  get hasIdleConnection(): boolean {
    return this.idleConnections > 0;
  }

  open(listener: UpstreamListener): UpstreamStream {
    const isConnected = this.hasIdleConnection;
    if (isConnected) this.idleConnections--;
    return new MockStream(this, listener, isConnected);
  }

  answer(request: UpstreamRequest): UpstreamResponse {
    this.received.add(request);
    return this.#answer(request);
  }
}

class MockStream implements UpstreamStream {
  readonly #cluster: MockUpstream;
  readonly #listener: UpstreamListener;
  #headers: HeaderMap | null = null;
  #hasBody = false;
  #body: ByteBuffer | null = null;
  #isComplete = false;
  #isRefused = false;
  #isCancelled = false;
  #isConnected: boolean;
  #timer: Timer | null = null;

  constructor(cluster: MockUpstream, listener: UpstreamListener, isConnected: boolean) {
    this.#cluster = cluster;
    this.#listener = listener;
    this.#isConnected = isConnected;
    if (!isConnected) cluster.dispatcher.post(() => (this.#isConnected = true));
  }

  headers(headers: HeaderMap, endStream: boolean): void {
    this.#headers = headers;
    this.#hasBody = !endStream;
    const { name, port } = this.#cluster;
    this.#listener.connected({ cluster: name, address: "127.0.0.1", port, localAddress: "127.0.0.1:40000" });
    if (this.#isUnframed() || isRefused(headers)) this.#refuse();
    else if (endStream) this.#complete(null);
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    if (this.#isRefused) return;
    (this.#body ??= new ByteBuffer()).add(bytes);
    if (endStream) this.#complete(null);
  }

  trailers(trailers: HeaderMap): void {
    if (this.#isRefused) return;
    // Only a chunked body can have trailers.
    if (this.#headers!.has("content-length")) this.#complete(null);
    else if (flawOfTrailers(trailers) !== null) this.#refuse();
    else this.#complete(trailers);
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#timer?.cancel();
  }

  pauseResponse(): void {}

  #complete(trailers: HeaderMap | null): void {
    if (this.#isComplete) {
      // On the wire it is where the next request should begin: the server refuses that before it answers this one. What
      // waits for the connection waits once.
      if (this.#isConnected) this.#isRefused = true;
      return;
    }
    this.#isComplete = true;
    const { dispatcher, clock } = this.#cluster;
    // Taken now: filters and the access log go on with the same map.
    const body = this.#declaredBody();
    if (body === null || this.#waitsForChunks()) return;
    const request = received(this.#headers!, this.#hasBody, body, trailers);
    dispatcher.post(() => {
      if (this.#isCancelled) return;
      const answer = this.#cluster.answer(request);
      const response = this.#isRefused ? { status: 400 } : answer;
      if (response.delayMs === undefined) this.#respond(request.method, response);
      else this.#timer = clock.setTimer(response.delayMs, () => this.#respond(request.method, response));
    });
  }

  /** What an HTTP/1.1 server takes for the body; `null` when it waits for more, because content-length promises more. */
  #declaredBody(): Uint8Array | null {
    const body = this.#body?.takeBytes() ?? noBody;
    const declared = this.#headers!.get("content-length");
    if (declared === null || Number(declared) === body.length) return body;
    this.#cluster.diagnostics.report(
      "CONTENT_LENGTH_MISMATCH",
      "",
      `a request to ${this.#cluster.name} says content-length ${declared} and has ${body.length} bytes of body`,
    );
    return Number(declared) > body.length ? null : body.subarray(0, Number(declared));
  }

  #refuse(): void {
    this.#isRefused = true;
    const method = this.#headers!.get(":method") ?? "";
    this.#cluster.dispatcher.post(() => this.#respond(method, { status: 400 }));
  }

  /** Whether a filter wrote a `transfer-encoding`, which Envoy sends beside its own, by which no server finds the body's end. */
  #isUnframed(): boolean {
    const headers = this.#headers!;
    if (!headers.has("transfer-encoding")) return false;
    this.#cluster.diagnostics.report(
      "TRANSFER_ENCODING_WRITTEN",
      "",
      `a request to ${this.#cluster.name} has a transfer-encoding that a filter wrote: Envoy adds its own`,
    );
    const lines = frameRequest(headers, this.#hasBody);
    const names = lines.filter((_, i) => i % 2 === 0);
    const codings = lines.filter((_, i) => i % 2 === 1 && lines[i - 1] === "transfer-encoding").join(",");
    return names.includes("content-length") || !/^(?!.*chunked.*chunked).*chunked$/.test(codings);
  }

  /** A server waits for chunks that do not come when a filter wrote `transfer-encoding` to a request without a body. */
  #waitsForChunks(): boolean {
    return !this.#hasBody && this.#headers!.has("transfer-encoding");
  }

  #respond(method: string, response: UpstreamResponse): void {
    if (this.#isCancelled) return;
    const breaksOff = response.reset === true;
    if (breaksOff && response.status === undefined && response.headers === undefined && response.body === undefined) {
      this.#listener.reset("connection termination");
      return;
    }
    const { headers, chunks, trailers } = composeResponse(method, response);
    if (!takesResponse(headers, STATUS_CODES[Number(headers.get(":status"))] ?? "unknown")) {
      this.#listener.reset("protocol error");
      return;
    }
    const endsWithHeaders = chunks.length === 0 && trailers === null && !breaksOff;
    this.#listener.headers(headers, endsWithHeaders);
    for (const chunk of chunks) if (!this.#isCancelled) this.#listener.data(chunk, false);
    if (this.#isCancelled) return;
    if (breaksOff || (trailers !== null && !takesResponseTrailers(trailers))) {
      this.#listener.reset("protocol error");
      return;
    }
    if (trailers !== null) this.#listener.trailers(trailers);
    else if (!endsWithHeaders) this.#listener.data(noBody, true);
    if (!this.#isRefused && !this.#isCancelled) this.#cluster.idleConnections++;
  }
}

/** Headers as they stand on the wire of HTTP/1.1, and the body's chunks. */
function composeResponse(method: string, response: UpstreamResponse) {
  const status = response.status ?? 200;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new HarnessError("OPTION_INVALID", `a mocked cluster answered with the status ${status}: use 200 to 599`);
  }
  const headers = HeaderMap.from("responseHeaders", response.headers);
  headers.append(":status", String(status));
  const hasNoBody = method === "HEAD" || status === 204 || status === 304;
  const chunks = bodyChunks(response.body);
  if (!headers.has("content-length") && !headers.has("transfer-encoding")) {
    const isWhole = chunks.length < 2 && response.trailers === undefined && response.reset !== true;
    if (isWhole) headers.append("content-length", String(chunks[0]?.length ?? 0));
    else headers.append("transfer-encoding", "chunked");
  }
  const hasTrailers = response.trailers !== undefined && !hasNoBody && headers.has("transfer-encoding");
  const trailers = hasTrailers ? HeaderMap.from("responseTrailers", response.trailers) : null;
  return { headers, chunks: hasNoBody ? [] : declaredPart(chunks, headers.get("content-length")), trailers };
}

/** The bytes that count: what stands behind them in the connection is no part of the response. */
function declaredPart(chunks: readonly Uint8Array[], contentLength: string | null): readonly Uint8Array[] {
  let left = Number(contentLength ?? Infinity);
  const part: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (left <= 0) break;
    part.push(chunk.subarray(0, left));
    left -= chunk.length;
  }
  return part;
}

/** A server refuses what a filter can do to a request: no host header, a header without a name, an unknown method. */
function isRefused(headers: HeaderMap): boolean {
  if ((headers.get(":authority") ?? "") === "" || headers.has("")) return true;
  return !METHODS.includes(headers.get(":method") ?? "") || !/^[/*]/.test(headers.get(":path") ?? "");
}

function received(headers: HeaderMap, hasBody: boolean, body: Uint8Array, trailers: HeaderMap | null): UpstreamRequest {
  const lines = frameRequest(headers, hasBody);
  const pairs: [string, string][] = [];
  for (let i = 0; i < lines.length; i += 2) {
    if (lines[i] !== "transfer-encoding" && lines[i] !== "connection") pairs.push([lines[i]!, lines[i + 1]!]);
  }
  return new UpstreamRequestData({
    method: headers.get(":method") ?? "",
    path: headers.get(":path") ?? "",
    authority: headers.get(":authority") ?? "",
    headers: pairs,
    body,
    trailers: trailers?.list() ?? [],
  });
}

const noBody = new Uint8Array(0);
