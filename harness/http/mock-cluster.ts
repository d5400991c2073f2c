import type { Diagnostics } from "../emulator/diagnostics.ts";
import type { Dispatcher } from "../emulator/dispatcher.ts";
import type { ProxyServices } from "../emulator/services.ts";
import type { Clock, Timer } from "../emulator/clock.ts";
import { RecentList } from "../emulator/recent-list.ts";
import { HarnessError } from "../errors.ts";
import type { MockCluster, UpstreamRequest, UpstreamResponse } from "../host.ts";
import { bodyChunks, UpstreamRequestData } from "../message.ts";
import { ByteBuffer } from "./byte-buffer.ts";
import { frameRequest } from "./framing.ts";
import { HeaderMap } from "./header-map.ts";
import type { UpstreamCluster, UpstreamListener, UpstreamStream } from "./upstream.ts";

/** An upstream written in the test. It answers in the proxy's next turn, once a request is complete. */
export class MockUpstream implements UpstreamCluster {
  readonly name: string;
  readonly hasHosts = true;
  readonly clock: Clock;
  readonly dispatcher: Dispatcher;
  readonly diagnostics: Diagnostics;
  readonly port: number;
  readonly #requests = new RecentList<UpstreamRequest>();
  readonly #answer: MockCluster;

  constructor(name: string, answer: MockCluster, services: ProxyServices, port: number) {
    this.name = name;
    this.clock = services.clock;
    this.dispatcher = services.dispatcher;
    this.diagnostics = services.diagnostics;
    this.port = port;
    this.#answer = answer;
  }

  get requests(): readonly UpstreamRequest[] {
    return this.#requests.items;
  }

  open(listener: UpstreamListener): UpstreamStream {
    return new MockStream(this, listener);
  }

  answer(request: UpstreamRequest): UpstreamResponse {
    this.#requests.add(request);
    return this.#answer(request);
  }
}

class MockStream implements UpstreamStream {
  readonly #cluster: MockUpstream;
  readonly #listener: UpstreamListener;
  #headers: HeaderMap | null = null;
  #hasBody = false;
  #body: ByteBuffer | null = null;
  #isCancelled = false;
  #timer: Timer | null = null;

  constructor(cluster: MockUpstream, listener: UpstreamListener) {
    this.#cluster = cluster;
    this.#listener = listener;
  }

  headers(headers: HeaderMap, endStream: boolean): void {
    this.#headers = headers;
    this.#hasBody = !endStream;
    const { dispatcher, name, port } = this.#cluster;
    dispatcher.post(() => {
      if (this.#isCancelled) return;
      this.#listener.connected({ cluster: name, address: "127.0.0.1", port, localAddress: "127.0.0.1:40000" });
    });
    if (endStream) this.#complete(null);
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    (this.#body ??= new ByteBuffer()).add(bytes);
    if (endStream) this.#complete(null);
  }

  trailers(trailers: HeaderMap): void {
    this.#complete(trailers);
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#timer?.cancel();
  }

  pauseResponse(): void {}

  #complete(trailers: HeaderMap | null): void {
    const { dispatcher, clock } = this.#cluster;
    // Taken now: filters and the access log go on with the same map.
    const body = this.#declaredBody();
    if (body === null) return;
    const request = received(this.#headers!, this.#hasBody, body, trailers);
    dispatcher.post(() => {
      if (this.#isCancelled) return;
      // A server refuses what a filter can do to a request: no host header, a header without a name.
      const response =
        request.authority === "" || request.header("") !== null ? { status: 400 } : this.#cluster.answer(request);
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

  #respond(method: string, response: UpstreamResponse): void {
    if (this.#isCancelled) return;
    const breaksOff = response.reset === true;
    if (breaksOff && response.status === undefined && response.headers === undefined && response.body === undefined) {
      this.#listener.reset("connection termination");
      return;
    }
    const { headers, chunks, trailers } = composeResponse(method, response);
    const endsWithHeaders = chunks.length === 0 && trailers === null && !breaksOff;
    this.#listener.headers(headers, endsWithHeaders);
    for (const chunk of chunks) if (!this.#isCancelled) this.#listener.data(chunk, false);
    if (this.#isCancelled || endsWithHeaders) return;
    if (breaksOff) this.#listener.reset("protocol error");
    else if (trailers !== null) this.#listener.trailers(trailers);
    else this.#listener.data(noBody, true);
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
  const isChunked = chunks.length > 1 || response.trailers !== undefined;
  if (!isChunked && status !== 204 && !headers.has("content-length"))
    headers.append("content-length", String(chunks[0]?.length ?? 0));
  if (isChunked && !headers.has("transfer-encoding")) headers.append("transfer-encoding", "chunked");
  const hasTrailers = response.trailers !== undefined && !hasNoBody;
  const trailers = hasTrailers ? HeaderMap.from("responseTrailers", response.trailers) : null;
  return { headers, chunks: hasNoBody ? [] : chunks, trailers };
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
