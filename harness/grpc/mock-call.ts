import type { BodyInit, GrpcCluster, GrpcRequest, GrpcResponse, HeaderList } from "../host.ts";
import { bodyChunks, headerPairs, UpstreamRequestData } from "../message.ts";
import { frame, FrameReader } from "./framing.ts";

type Pairs = [name: string, value: string][];

/** Where a mocked call's answer goes. */
export interface MockCallSink {
  headers(pairs: Pairs, endStream: boolean): void;
  data(bytes: Uint8Array): void;
  trailers(pairs: Pairs): void;
  reset(): void;
  wait(milliseconds: number, then: () => void): void;
}

/** One call to a mocked gRPC cluster, whatever carries it. */
export class MockCall {
  readonly #cluster: GrpcCluster;
  readonly #sink: MockCallSink;
  readonly #headers: HeaderList;
  readonly #path: string;
  readonly #authority: string;
  readonly #reader = new FrameReader();
  readonly #messages: Uint8Array[] = [];
  readonly #bytes: Uint8Array[] = [];
  #hasBegun = false;
  #isOver = false;

  /** @param headers without pseudo headers */
  constructor(cluster: GrpcCluster, path: string, authority: string, headers: HeaderList, sink: MockCallSink) {
    this.#cluster = cluster;
    this.#path = path;
    this.#authority = authority;
    this.#headers = headers;
    this.#sink = sink;
  }

  /** As an upstream records it: the body is the messages with their prefixes. */
  get request(): UpstreamRequestData {
    return new UpstreamRequestData({
      method: "POST",
      path: this.#path,
      authority: this.#authority,
      headers: this.#headers,
      body: Buffer.concat(this.#bytes),
      trailers: [],
    });
  }

  /** The client has sent these bytes. */
  data(bytes: Uint8Array): void {
    this.#bytes.push(bytes);
    for (const { message } of this.#reader.add(bytes) ?? []) {
      this.#messages.push(message);
      const answer = this.#cluster.grpcMessage?.(message, this.#call) ?? null;
      if (answer !== null) this.#answer(answer, answer.status !== undefined);
    }
  }

  /** The client has sent its last message. */
  end(): void {
    if (!this.#isOver) this.#answer(this.#cluster.grpc(this.#call), true);
  }

  /** The client has gone. */
  cancel(): void {
    this.#isOver = true;
  }

  get #call(): GrpcRequest {
    const [, service = "", method = ""] = this.#path.split("/");
    return Object.assign(this.request, { service, method, messages: this.#messages });
  }

  #answer(answer: GrpcResponse, endsCall: boolean): void {
    if (answer.delayMs === undefined) this.#send(answer, endsCall);
    else this.#sink.wait(answer.delayMs, () => this.#send(answer, endsCall));
  }

  #send(answer: GrpcResponse, endsCall: boolean): void {
    if (this.#isOver) return;
    const { messages = [], reset = false } = answer;
    this.#isOver = endsCall || reset;
    const beginning: Pairs = [
      [":status", String(answer.httpStatus ?? 200)],
      ["content-type", "application/grpc"],
    ];
    beginning.push(...headerPairs(answer.metadata));
    const isBare = messages.length === 0 && answer.metadata === undefined;
    if (isBare && reset && answer.httpStatus === undefined) return this.#sink.reset();
    if (isBare && endsCall && !reset && !this.#hasBegun) {
      return this.#sink.headers([...beginning, ...ending(answer)], true);
    }
    if (!this.#hasBegun) this.#sink.headers(beginning, false);
    this.#hasBegun = true;
    for (const message of messages) this.#sink.data(frame(bytesOf(message)));
    if (reset) this.#sink.reset();
    else if (endsCall) this.#sink.trailers(ending(answer));
  }
}

function bytesOf(message: BodyInit): Uint8Array {
  return bodyChunks(message)[0] ?? new Uint8Array(0);
}

function ending({ status = 0, statusMessage, trailers }: GrpcResponse): Pairs {
  const pairs = headerPairs(trailers);
  if (status !== null) pairs.unshift(["grpc-status", String(status)]);
  if (statusMessage !== undefined) pairs.push(["grpc-message", statusMessage]);
  return pairs;
}
