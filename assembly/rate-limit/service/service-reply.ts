import { ByteView, ProtobufReader } from "@attache/sdk";
import { HeaderFields } from "../header-fields";
import { checkedName } from "../limit-name";
import { Quota } from "../quota";
import { ReportedWindow, unitNs } from "./reported-window";

/** Codes of `envoy.service.ratelimit.v3.RateLimitResponse`; 0, UNKNOWN, is an error. */
export const enum ServiceCode {
  Unknown,
  Ok,
  OverLimit,
}

/** What the service says of one descriptor. */
@final
export class ServiceStatus {
  code: i32 = ServiceCode.Unknown;
  /** Of the next descriptor. */
  next: ServiceStatus | null = null;
  remaining: u64 = 0;
  resetNs: u64 = 0;
  private perUnit: u64 = 0;
  private unit: i32 = 0;
  private name: string = "";

  constructor(reader: ProtobufReader) {
    while (reader.next()) {
      if (reader.field == 1) this.code = reader.int32();
      else if (reader.field == 2) this.readLimit(reader.message());
      else if (reader.field == 3) this.remaining = reader.uint32();
      else if (reader.field == 4) this.readReset(reader.message());
    }
  }

  /** What clients are told; no windows when no limit is configured. */
  quota(limitName: string): Quota {
    if (this.perUnit == 0 && this.unit == 0) return new Quota();
    const window = new ReportedWindow(checkedName(this.name, limitName), this.perUnit, unitNs(this.unit));
    window.remaining = this.remaining;
    window.resetNs = this.resetNs;
    window.waitNs = this.resetNs;
    return window.asQuota();
  }

  private readLimit(reader: ProtobufReader): void {
    while (reader.next()) {
      if (reader.field == 1) this.perUnit = reader.uint32();
      else if (reader.field == 2) this.unit = reader.int32();
      else if (reader.field == 3) this.name = reader.text();
    }
  }

  private readReset(reader: ProtobufReader): void {
    while (reader.next()) {
      if (reader.field == 1) this.resetNs += min<u64>(reader.uint64(), 1 << 31) * 1_000_000_000;
      else if (reader.field == 2) this.resetNs += reader.uint32();
    }
  }
}

/** A `RateLimitResponse`. */
@final
export class ServiceReply {
  /** Of all descriptors together. */
  code: i32 = ServiceCode.Unknown;
  /** Of the first descriptor. */
  firstStatus: ServiceStatus | null = null;
  readonly responseFields: HeaderFields = new HeaderFields();
  readonly requestFields: HeaderFields = new HeaderFields();
  /** Instead of the filter's own, when there is one. */
  body: string = "";

  /** A reply that is no protobuf message has the code `Unknown`. */
  constructor(bytes: ByteView) {
    const reader = new ProtobufReader(bytes);
    let last: ServiceStatus | null = null;
    while (reader.next()) {
      if (reader.field == 1) this.code = reader.int32();
      else if (reader.field == 2) {
        const status = new ServiceStatus(reader.message());
        if (last === null) this.firstStatus = status;
        else last.next = status;
        last = status;
      } else if (reader.field == 3) readField(reader.message(), this.responseFields);
      else if (reader.field == 4) readField(reader.message(), this.requestFields);
      else if (reader.field == 5) this.body = reader.text();
    }
    if (!reader.isValid || this.code > ServiceCode.OverLimit) this.code = ServiceCode.Unknown;
  }
}

/** An `envoy.config.core.v3.HeaderValue`. Names such as `:path` are not for the service to set. */
function readField(reader: ProtobufReader, fields: HeaderFields): void {
  let name = "";
  let value = "";
  while (reader.next()) {
    if (reader.field == 1) name = reader.text();
    else if (reader.field == 2 || reader.field == 3) value = reader.text();
  }
  if (!name.startsWith(":")) fields.add(name, value);
}
