import { Status } from "../abi/enums";
import {
  proxy_dequeue_shared_queue,
  proxy_enqueue_shared_queue,
  proxy_register_shared_queue,
  proxy_resolve_shared_queue,
} from "../abi/imports";
import { Plugin } from "../context/plugin";
import { ByteView } from "../memory/byte-view";
import { decodeText, encodeText, textSize } from "../memory/utf8";
import { sharedName } from "./shared-name";

/**
 * A queue of the proxy, first in, first out: any worker, and any plugin with the same `vm_id`, can put items in and take
 * them out. The proxy holds any number of items, so whoever fills it must be emptied: see {@link QueueReader}.
 *
 * Its name is the plugin's own, as with {@link SharedValue}, unless it is `raw`. A queue exists once a plugin has
 * opened it, and lives until the last VM with its `vm_id` is gone.
 */
export class SharedQueue {
  protected constructor(protected readonly token: u32) {}

  /**
   * The queue of this name, made if there is none. From now on the proxy tells this worker, and no other, of new items:
   * use {@link find} to only put items in.
   *
   * Allowed in: every callback. Cost: one host call, two more unless `raw`.
   */
  static open(name: string, raw: bool = false): SharedQueue {
    return new SharedQueue(registerQueue(name, raw));
  }

  /**
   * The queue of this name, or `null` when nobody has opened it yet: try again later.
   *
   * Allowed in: every callback. Cost: as {@link open}.
   *
   * @param vmId the `vm_id` of the plugin that opened it, when it is not this plugin's own
   */
  static find(name: string, raw: bool = false, vmId: string = ""): SharedQueue | null {
    const bytes = sharedName(name, raw);
    const vm = encodeText(vmId);
    const out = memory.data(4, 4);
    const status = proxy_resolve_shared_queue(vm, textSize(vm), changetype<usize>(bytes), bytes.length, out);
    return status == Status.Ok ? new SharedQueue(load<u32>(out)) : null;
  }

  /** Puts text in. Allowed in: every callback. Cost: one host call. `false` when the queue is gone. */
  put(text: string): bool {
    const encoded = encodeText(text);
    return proxy_enqueue_shared_queue(this.token, encoded, textSize(encoded)) == Status.Ok;
  }

  /** As {@link put}, for bytes. */
  putBytes(bytes: ByteView): bool {
    return proxy_enqueue_shared_queue(this.token, bytes.start, bytes.length) == Status.Ok;
  }

  /** Takes the oldest item out; `null` when there is none. Allowed in: every callback. Cost: one host call. */
  take(): string | null {
    const item = takeItem(this.token);
    return item === null ? null : decodeText(item.start, item.length);
  }

  /** As {@link take}, as it came. Valid until the callback returns. */
  takeBytes(): ByteView | null {
    return takeItem(this.token);
  }
}

/**
 * Takes the items of a queue out as they come.
 *
 * ```ts
 * class Audit extends QueueReader {
 *   override onItem(item: ByteView): void { log.info(item.toString()); }
 * }
 * // in configure():
 * this.readQueue(new Audit(), "audit");
 * ```
 *
 * One worker reads, whichever opened the queue last: in Envoy that can be the main thread. Items that nobody read
 * stay in the queue, also across an update of the configuration.
 */
export abstract class QueueReader {
  // A subclass cannot have fields of the same names, private or not.
  private queueToken: u32 = 0;
  private queueNext: QueueReader | null = null;

  /** One item, valid until the callback returns. Host calls act on the plugin. */
  abstract onItem(item: ByteView): void;

  /** @internal Use `Plugin.readQueue`. */
  open(plugin: Plugin, name: string, raw: bool): void {
    const isOpen = this.queueToken != 0;
    this.queueToken = registerQueue(name, raw);
    if (isOpen) return;
    this.queueNext = plugin.queueReaders;
    plugin.queueReaders = this;
  }

  /** @internal Hands all items of the queue to its reader. */
  static drain(plugin: Plugin, token: u32): void {
    let reader = plugin.queueReaders;
    while (reader !== null && reader.queueToken != token) reader = reader.queueNext;
    if (reader === null) return;
    let item = takeItem(token);
    while (item !== null) {
      reader.onItem(item);
      item = takeItem(token);
    }
  }
}

function registerQueue(name: string, raw: bool): u32 {
  const bytes = sharedName(name, raw);
  const out = memory.data(4, 4);
  proxy_register_shared_queue(changetype<usize>(bytes), bytes.length, out);
  return load<u32>(out);
}

function takeItem(token: u32): ByteView | null {
  const out = memory.data(8, 4);
  if (proxy_dequeue_shared_queue(token, out, out + 4) != Status.Ok) return null;
  return ByteView.of(load<usize>(out), load<i32>(out, 4));
}
