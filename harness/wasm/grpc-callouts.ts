import { Status } from "../abi/status.ts";
import { GrpcStream, type GrpcListener, type GrpcRequestOptions } from "../grpc/grpc-stream.ts";
import type { HeaderMap } from "../http/header-map.ts";
import type { UpstreamCluster } from "../http/upstream.ts";
import type { GuestFunction } from "./callbacks.ts";
import type { PluginContext } from "./plugin-context.ts";

interface Streaming {
  stream: GrpcStream;
  localClosed: boolean;
  remoteClosed: boolean;
}

/** The gRPC calls and streams of a plugin, by token, and what the running callback can read of one. */
export class GrpcCallouts {
  readonly #root: PluginContext;
  readonly #calls = new Map<number, GrpcStream>();
  readonly #streams = new Map<number, Streaming>();
  /** What the running callback is about. */
  message: Uint8Array | null = null;
  initialMetadata: HeaderMap | null = null;
  trailingMetadata: HeaderMap | null = null;

  constructor(root: PluginContext) {
    this.#root = root;
  }

  get count(): number {
    return this.#calls.size + this.#streams.size;
  }

  /** Makes a unary call; `null` when it failed at once. */
  call(cluster: UpstreamCluster | undefined, request: GrpcRequestOptions, message: Uint8Array): number | null {
    const { vm } = this.#root;
    const token = (vm.nextGrpcCallToken += 4);
    let response: Uint8Array | null = null;
    const stream = new GrpcStream(request, vm.services, {
      initialMetadata() {},
      message: (bytes) => {
        response = bytes;
      },
      trailingMetadata() {},
      closed: (status, text) => {
        if (status === 0 && response !== null) this.#received(token, response);
        else this.#closed(token, status === 0 ? internal : status, status === 0 ? "" : text);
      },
    });
    this.#calls.set(token, stream);
    if (!stream.start(cluster)) {
      this.#calls.delete(token);
      return null;
    }
    stream.send(message, true);
    return token;
  }

  /** Opens a stream; `null` when it failed at once. */
  open(cluster: UpstreamCluster | undefined, request: GrpcRequestOptions): number | null {
    const { vm } = this.#root;
    const token = (vm.nextGrpcStreamToken += 4);
    const { onGrpcReceiveInitialMetadata, onGrpcReceiveTrailingMetadata } = vm.callbacks;
    const listener: GrpcListener = {
      initialMetadata: (headers) => {
        this.initialMetadata = headers;
        this.#tell(onGrpcReceiveInitialMetadata, token, headers.size);
        this.initialMetadata = null;
      },
      message: (message) => this.#received(token, message),
      trailingMetadata: (trailers) => {
        this.trailingMetadata = trailers;
        this.#tell(onGrpcReceiveTrailingMetadata, token, trailers.size);
        this.trailingMetadata = null;
      },
      closed: (status, text) => this.#closed(token, status, text),
    };
    const stream = new GrpcStream(request, vm.services, listener);
    this.#streams.set(token, { stream, localClosed: false, remoteClosed: false });
    if (!stream.start(cluster)) {
      this.#streams.delete(token);
      return null;
    }
    return token;
  }

  send(token: number, message: Uint8Array, endStream: boolean): Status {
    if ((token & 3) !== 2) return Status.BadArgument;
    const known = this.#streams.get(token);
    if (known === undefined) return Status.NotFound;
    known.stream.send(message, endStream);
    return Status.Ok;
  }

  /** Ends a call, or this side of a stream. */
  close(token: number): Status {
    const known = this.#streams.get(token);
    if ((token & 3) !== 2 || known === undefined) return this.cancel(token);
    known.stream.end();
    known.localClosed = true;
    if (known.remoteClosed) this.#streams.delete(token);
    return Status.Ok;
  }

  cancel(token: number): Status {
    const kind = token & 3;
    if (kind !== 1 && kind !== 2) return Status.BadArgument;
    const stream = kind === 1 ? this.#calls.get(token) : this.#streams.get(token)?.stream;
    if (stream === undefined) return Status.NotFound;
    stream.cancel();
    this.#calls.delete(token);
    this.#streams.delete(token);
    return Status.Ok;
  }

  /** Lets go of all without telling the guest. */
  release(): void {
    for (const call of this.#calls.values()) call.cancel();
    for (const { stream } of this.#streams.values()) stream.cancel();
    this.#calls.clear();
    this.#streams.clear();
  }

  #received(token: number, message: Uint8Array): void {
    const { vm } = this.#root;
    vm.outsideOfCallbacks(() => {
      this.message = message;
      this.#tell(vm.callbacks.onGrpcReceive, token, message.length);
      this.message = null;
      this.#calls.delete(token);
    });
  }

  #closed(token: number, status: number, text: string): void {
    const root = this.#root;
    const { vm } = root;
    vm.outsideOfCallbacks(() => {
      const known = this.#streams.get(token);
      if (known !== undefined) known.remoteClosed = true;
      const { onGrpcClose } = vm.callbacks;
      // A guest without the callback is not told by proxy_get_status either.
      if (onGrpcClose !== null) {
        root.statusCode = status;
        root.statusMessage = text;
        this.#tell(onGrpcClose, token, status);
        root.statusMessage = "";
      }
      this.#calls.delete(token);
      if (known?.localClosed === true) this.#streams.delete(token);
    });
  }

  #tell(callback: GuestFunction | null, token: number, detail: number): void {
    const root = this.#root;
    const { vm } = root;
    if (vm.isFailed || callback === null) return;
    vm.call(callback, root, root.id, token, detail);
    vm.callbackEnded();
  }
}

/** gRPC's status of a unary answer without a message. */
const internal = 13;
