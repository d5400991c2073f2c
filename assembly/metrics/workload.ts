import { ByteView, getPropertyAt, Text } from "@attache/sdk";
import { Members } from "./members";

/** What Istio tells of a workload, in the order of {@link NAMES}. */
export const enum WorkloadField {
  Workload,
  Service,
  Revision,
  Namespace,
  App,
  Version,
  Cluster,
  Identity,
}

const FIELDS = 8;
const NAMES = "workload service revision namespace app version cluster identity ";

/** The workload at one end of a request. */
export class Workload {
  private readonly starts: StaticArray<usize> = new StaticArray<usize>(FIELDS);
  private readonly lengths: StaticArray<i32> = new StaticArray<i32>(FIELDS);
  private readonly members: Members = new Members();
  /** Keep the text of the proxy's own workload. */
  private readonly texts: Text[] = [];

  /** The proxy's own, from its node. */
  static own(): Workload {
    const own = new Workload();
    own.keep(WorkloadField.Workload, "WORKLOAD_NAME");
    own.keep(WorkloadField.Service, "LABELS\0service.istio.io/canonical-name");
    own.keep(WorkloadField.Revision, "LABELS\0service.istio.io/canonical-revision");
    own.keep(WorkloadField.Namespace, "NAMESPACE");
    own.keep(WorkloadField.App, "LABELS\0app");
    own.keep(WorkloadField.Version, "LABELS\0version");
    own.keep(WorkloadField.Cluster, "CLUSTER_ID");
    return own;
  }

  /** Whether anything is known. */
  get isKnown(): bool {
    for (let field = 0; field < FIELDS; field++) if (this.lengths[field] > 0) return true;
    return false;
  }

  startOf(field: WorkloadField): usize {
    return unchecked(this.starts[field]);
  }

  /** 0 when it is not known. */
  lengthOf(field: WorkloadField): i32 {
    return unchecked(this.lengths[field]);
  }

  forget(): void {
    for (let field = 0; field < FIELDS; field++) unchecked((this.lengths[field] = 0));
  }

  /** Reads what the metadata exchange keeps: an object. Anything else tells nothing. */
  readObject(object: ByteView | null): void {
    this.forget();
    const members = this.members.begin(object);
    while (members.next()) {
      const field = fieldNamed(members.name.start, members.name.length);
      if (field >= 0) this.set(field, members.value.start, members.value.length);
    }
  }

  /** Reads Istio's short form of an endpoint: `workload;namespace;service;revision;cluster`. */
  readEndpoint(endpoint: ByteView | null): void {
    this.forget();
    if (endpoint === null) return;
    let from = 0;
    for (let part = 0; part < 5; part++) {
      const end = endpoint.indexOf(0x3b, from);
      if (end < 0 && part < 4) return this.forget();
      this.set(endpointField(part), endpoint.start + from, (end < 0 ? endpoint.length : end) - from);
      from = end + 1;
    }
  }

  private keep(field: WorkloadField, path: string): void {
    const value = getPropertyAt("xds\0node\0metadata\0" + path);
    if (value === null || value.length == 0) return;
    const text = new Text(value.toString());
    this.texts.push(text);
    this.set(field, text.encoded, text.length);
  }

  private set(field: i32, start: usize, length: i32): void {
    this.starts[field] = start;
    this.lengths[field] = length;
  }
}

function endpointField(part: i32): i32 {
  if (part == 0) return WorkloadField.Workload;
  if (part == 1) return WorkloadField.Namespace;
  if (part == 2) return WorkloadField.Service;
  return part == 3 ? WorkloadField.Revision : WorkloadField.Cluster;
}

function fieldNamed(start: usize, length: i32): i32 {
  let at = 0;
  for (let field = 0; field < FIELDS; field++) {
    const end = NAMES.indexOf(" ", at);
    if (end - at == length && isName(start, at, length)) return field;
    at = end + 1;
  }
  return -1;
}

function isName(start: usize, at: i32, length: i32): bool {
  for (let index = 0; index < length; index++) {
    if (load<u8>(start + index) != <u8>NAMES.charCodeAt(at + index)) return false;
  }
  return true;
}
