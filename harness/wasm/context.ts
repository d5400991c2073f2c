import { Status } from "../abi/status.ts";
import type { Plugin } from "../emulator/plugin.ts";
import type { HeaderMap } from "../http/header-map.ts";
import type { FilterStateEntry, StreamInfo } from "../http/stream-info.ts";
import { GuestBuffer } from "./guest-buffer.ts";
import type { PluginContext } from "./plugin-context.ts";
import type { Vm } from "./vm.ts";

export interface LocalResponse {
  statusCode: number;
  body: string;
  /** Names and values in turn. */
  headers: readonly string[];
  /** -1 or anything else outside 0..16: none. */
  grpcStatus: number;
  details: string;
}

/** What a guest's host calls act on: the VM itself, a plugin, or a stream. This base has nothing to act on. */
export abstract class Context {
  readonly id: number;
  readonly vm: Vm;
  /** In the access log phase maps that are absent answer NotFound instead of BadArgument. */
  isInAccessLog = false;
  /** Properties declared by foreign function, by name. Only those of a plugin's context have an effect. */
  declaredProperties: Map<string, Omit<FilterStateEntry, "value">> | null = null;
  #buffer: GuestBuffer | null = null;

  constructor(vm: Vm, id: number) {
    this.vm = vm;
    this.id = id;
    vm.contexts.set(id, this);
  }

  /** The plugin's context that callouts, timers and queues of this one belong to. */
  abstract get root(): PluginContext | null;
  abstract get plugin(): Plugin | null;
  /** What stands between `wasm log` and the message in the proxy's log. */
  abstract get logPrefix(): string;

  log(level: number, message: string): void {
    this.vm.services.log.guest(level, this.logPrefix, message);
  }

  /** A map the guest may change. Looking one up can create trailers. */
  mutableMap(_type: number): HeaderMap | null {
    return null;
  }

  readableMap(type: number): HeaderMap | null {
    return this.root?.calloutMap(type) ?? null;
  }

  headersModified(_type: number): void {}

  /** `null` answers NotFound; a buffer over nothing is empty and cannot be written. */
  buffer(type: number): GuestBuffer | null {
    const buffer = (this.#buffer ??= new GuestBuffer());
    switch (type) {
      case 4: {
        const response = this.root?.httpCallResponse ?? null;
        return response === null ? null : buffer.showBytes(response.body);
      }
      case 5: {
        const message = this.root?.grpc.message ?? null;
        return message === null ? buffer.showBody(null) : buffer.showBytes(message);
      }
      case 6:
        return buffer.showText(this.vm.options.configuration);
      case 7: {
        const configuring = this.configuring;
        return configuring === null ? null : buffer.showText(configuring.configuration);
      }
      case 8:
        return buffer;
      default:
        return buffer.showBody(null);
    }
  }

  protected get sharedBuffer(): GuestBuffer {
    return (this.#buffer ??= new GuestBuffer());
  }

  /** The plugin being created or configured just now. */
  get configuring(): Plugin | null {
    return null;
  }

  /** The stream or connection that properties are read from. */
  get streamInfo(): StreamInfo | null {
    return null;
  }

  /** Request headers, response headers and response trailers that properties are read from. */
  get propertyMaps(): PropertyMaps {
    return noMaps;
  }

  continueStream(type: number): Status {
    return type === 3 ? Status.Unimplemented : type > 3 ? Status.BadArgument : Status.Ok;
  }

  closeStream(type: number): Status {
    return type > 3 ? Status.BadArgument : Status.Ok;
  }

  sendLocalResponse(_response: LocalResponse): void {}

  clearRouteCache(): void {}

  /** `proxy_on_delete` has been called, or never will be. */
  forget(): void {
    if (this.vm.contexts.get(this.id) === this) this.vm.contexts.delete(this.id);
  }
}

export interface PropertyMaps {
  requestHeaders: HeaderMap | null;
  responseHeaders: HeaderMap | null;
  responseTrailers: HeaderMap | null;
}

const noMaps: PropertyMaps = { requestHeaders: null, responseHeaders: null, responseTrailers: null };

/** Context 0: current while the module starts and in its allocator. */
export class VmContext extends Context {
  constructor(vm: Vm) {
    super(vm, 0);
  }

  get root(): null {
    return null;
  }

  get plugin(): null {
    return null;
  }

  get logPrefix(): string {
    return "";
  }
}
