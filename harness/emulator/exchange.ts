import type { Dispatcher } from "./dispatcher.ts";
import { HarnessError } from "../errors.ts";
import type { HeaderList, RequestOptions, Response } from "../host.ts";
import { frameResponse } from "../http/framing.ts";
import { HeaderMap, toLatin1 } from "../http/header-map.ts";
import type { HttpStream, ResponseSink } from "../http/stream.ts";
import { bodyChunks, headerPairs, pairsOf, ResponseData } from "../message.ts";

/** Sends one request on a new stream, and gathers its response. */
export async function exchange(
  open: (sink: ResponseSink) => HttpStream,
  path: string,
  options: RequestOptions,
  dispatcher: Dispatcher,
): Promise<Response> {
  const { signal } = options;
  let abort: (() => void) | null = null;
  try {
    return await new Promise((resolve, reject) => {
      const gathering = new Gathering(resolve, reject, options.method === "HEAD", dispatcher);
      const stream = open(gathering);
      abort = () => {
        gathering.reset("the client broke it off");
        stream.clientReset();
      };
      signal?.addEventListener("abort", abort);
      if (signal?.aborted === true) abort();
      else gathering.send(stream, path, options);
    });
  } finally {
    if (abort !== null) signal?.removeEventListener("abort", abort);
  }
}

class Gathering implements ResponseSink {
  readonly #resolve: (response: Response) => void;
  readonly #reject: (error: HarnessError) => void;
  readonly #isHead: boolean;
  readonly #dispatcher: Dispatcher;
  #headers: HeaderMap | null = null;
  #lines: readonly string[] = [];
  readonly #chunks: Uint8Array[] = [];
  #steps: (() => void)[] = [];
  #isPaused = false;
  #isSending = false;

  constructor(
    resolve: (response: Response) => void,
    reject: (error: HarnessError) => void,
    isHead: boolean,
    dispatcher: Dispatcher,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#isHead = isHead;
    this.#dispatcher = dispatcher;
  }

  send(stream: HttpStream, path: string, options: RequestOptions): void {
    const { headers, chunks, trailers } = composeRequest(path, options);
    if (chunks.length === 0 && trailers === null && !headers.has("transfer-encoding")) {
      stream.headers(headers, true);
      return;
    }
    this.#steps.push(() => stream.headers(headers, false));
    for (const chunk of chunks) this.#steps.push(() => stream.data(chunk, false));
    // Envoy's HTTP/1.1 codec ends every body with an empty frame.
    this.#steps.push(() => (trailers === null ? stream.data(noBytes, true) : stream.trailers(trailers)));
    this.#sendSteps();
  }

  headers(headers: HeaderMap, endStream: boolean): void {
    this.#headers = headers;
    this.#lines = frameResponse(headers, endStream, this.#isHead);
    if (endStream) this.#finish([]);
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    this.#chunks.push(bytes);
    if (endStream) this.#finish([]);
  }

  trailers(trailers: HeaderMap): void {
    // Only a chunked body can have trailers.
    this.#finish(this.#headers!.has("content-length") ? [] : trailers.list());
  }

  reset(reason: string): void {
    this.#steps = [];
    this.#reject(new HarnessError("STREAM_RESET", `the stream was reset before its response was complete: ${reason}`));
  }

  pauseRequest(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (!isPaused) this.#sendSteps();
  }

  #sendSteps(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    // What a client sends in one go has been read before anything answers.
    this.#dispatcher.batch(() => {
      while (!this.#isPaused && this.#steps.length > 0) this.#steps.shift()!();
    });
    this.#isSending = false;
  }

  #finish(trailers: HeaderList): void {
    this.#steps = [];
    const status = Number(this.#headers!.get(":status"));
    const headers = pairsOf(this.#lines).filter(([name]) => name !== "connection" && name !== "transfer-encoding");
    const sent = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    const bodiless = this.#isHead ? "response to HEAD" : status === 204 || status === 304 ? String(status) : null;
    if (bodiless !== null && sent.length > 0) {
      this.reset(`a ${bodiless} has no body, and ${sent.length} bytes came`);
      return;
    }
    const declared = bodiless === null ? this.#headers!.get("content-length") : null;
    if (declared !== null && Number(declared) !== sent.length) {
      this.reset(`content-length says ${declared}, and ${sent.length} bytes came`);
      return;
    }
    this.#resolve(new ResponseData({ status, headers, body: sent, trailers }));
  }
}

const noBytes = new Uint8Array(0);

function composeRequest(path: string, options: RequestOptions) {
  if (!path.startsWith("/") && path !== "*") {
    throw new HarnessError("OPTION_INVALID", `fetch: the path ${JSON.stringify(path)} does not begin with "/"`);
  }
  const given = headerPairs(options.headers);
  const headers = new HeaderMap("requestHeaders");
  headers.append(":authority", toLatin1(given.find(([name]) => name === "host")?.[1] ?? "localhost"));
  headers.append(":path", toLatin1(path));
  headers.append(":method", options.method ?? "GET");
  for (const [name, value] of given) if (name !== "host") headers.add(name, toLatin1(value));
  // Each request has a connection of its own.
  headers.set("connection", "close");
  const chunks = bodyChunks(options.body);
  const trailers = options.trailers === undefined ? null : HeaderMap.from("requestTrailers", options.trailers);
  if (headers.has("content-length") || headers.has("transfer-encoding")) return { headers, chunks, trailers };
  if (trailers !== null || chunks.length > 1) {
    headers.append("transfer-encoding", "chunked");
  } else {
    if (chunks.length === 1) headers.append("content-length", String(chunks[0]!.length));
    else if (["POST", "PUT", "PATCH"].includes(options.method ?? "GET")) headers.append("content-length", "0");
  }
  return { headers, chunks, trailers };
}
