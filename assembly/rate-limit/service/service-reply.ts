import { HeaderFields } from "../header-fields";
import { FixedWindow } from "../fixed-window";
import { checkedName } from "../limit-name";
import { Quota } from "../quota";
import { unitSeconds } from "./unit";

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
  perUnit: u64 = 0;
  unit: i32 = 0;
  name: string = "";

  /** What clients are told; no windows when no limit is configured. */
  quota(limitName: string): Quota {
    const quota = new Quota();
    if (this.perUnit == 0 && this.unit == 0) return quota;
    const units = unitSeconds();
    const seconds: u64 = <u32>(this.unit - 1) < <u32>units.length ? units[this.unit - 1] : 86_400;
    const window = new FixedWindow(checkedName(this.name, limitName), this.perUnit, seconds * 1_000_000_000);
    window.remaining = this.remaining;
    // A window ends within its unit, whatever a service says.
    window.resetNs = min(this.resetNs, window.periodNs);
    window.waitNs = window.resetNs;
    quota.windows.push(window);
    quota.closest = window;
    return quota;
  }

  /** @param seconds more than some 68 years are as good as these */
  addReset(seconds: u64, ns: u64): void {
    this.resetNs += min<u64>(seconds, 1 << 31) * 1_000_000_000 + ns;
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
  private lastStatus: ServiceStatus | null = null;

  /** Whether requests are over a limit that no descriptor is said to be over. */
  get isOverForAll(): bool {
    let status = this.firstStatus;
    while (status !== null && status.code != ServiceCode.OverLimit) status = status.next;
    return status === null && this.code == ServiceCode.OverLimit;
  }

  addStatus(): ServiceStatus {
    const status = new ServiceStatus();
    const last = this.lastStatus;
    if (last === null) this.firstStatus = status;
    else last.next = status;
    this.lastStatus = status;
    return status;
  }
}
