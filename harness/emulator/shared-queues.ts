import { Status } from "../abi/status.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { PluginContext } from "../wasm/plugin-context.ts";

interface Queue {
  vmId: string;
  name: string;
  /** Who registered last is told of each item. */
  owner: PluginContext;
  items: string[];
}

/** Queues of the whole proxy, by `vm_id` and name. */
export class SharedQueues {
  readonly #queues = new Map<number, Queue>();
  readonly #dispatcher: Dispatcher;
  #nextToken = 1;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  register(vmId: string, name: string, owner: PluginContext): number {
    let token = this.resolve(vmId, name);
    if (token === 0) {
      token = this.#nextToken++;
      this.#queues.set(token, { vmId, name, owner, items: [] });
    } else {
      this.#queues.get(token)!.owner = owner;
    }
    return token;
  }

  /** 0 when there is none. */
  resolve(vmId: string, name: string): number {
    for (const [token, queue] of this.#queues) if (queue.vmId === vmId && queue.name === name) return token;
    return 0;
  }

  enqueue(token: number, item: string): Status {
    const queue = this.#queues.get(token);
    if (queue === undefined) return Status.NotFound;
    queue.items.push(item);
    const { owner } = queue;
    this.#dispatcher.post(() => {
      if (owner.vm.contexts.get(owner.id) === owner) owner.queueReady(token);
    });
    return Status.Ok;
  }

  /** A number is a status: there is no item. */
  dequeue(token: number): string | Status {
    const queue = this.#queues.get(token);
    if (queue === undefined) return Status.NotFound;
    return queue.items.shift() ?? Status.Empty;
  }

  delete(vmId: string): void {
    for (const [token, queue] of this.#queues) if (queue.vmId === vmId) this.#queues.delete(token);
  }
}
