import { Status } from "../abi/status.ts";

interface SharedValue {
  value: string;
  cas: number;
}

/** Values shared by all VMs of a `vm_id`; keys and values are latin1. */
export class SharedData {
  readonly #byVmId = new Map<string, Map<string, SharedValue>>();
  #nextCas = 1;

  get(vmId: string, key: string): Readonly<SharedValue> | null {
    return this.#byVmId.get(vmId)?.get(key) ?? null;
  }

  /** `cas` 0 sets whatever is there; a missing key can be set with any. */
  set(vmId: string, key: string, value: string, cas: number): Status {
    let values = this.#byVmId.get(vmId);
    if (values === undefined) this.#byVmId.set(vmId, (values = new Map()));
    const known = values.get(key);
    if (known === undefined) {
      values.set(key, { value, cas: this.#takeCas() });
      return Status.Ok;
    }
    if (cas !== 0 && cas !== known.cas) return Status.CasMismatch;
    known.value = value;
    known.cas = this.#takeCas();
    return Status.Ok;
  }

  delete(vmId: string): void {
    this.#byVmId.delete(vmId);
  }

  #takeCas(): number {
    const cas = this.#nextCas;
    this.#nextCas = (cas + 1) >>> 0 || 1;
    return cas;
  }
}
