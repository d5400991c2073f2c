import { ConfigReader, JsonKind } from "@attache/sdk";

/** Statuses of responses: single ones, and classes such as `4xx`. */
@final
export class StatusSet {
  /** A class as the digit it begins with. */
  private readonly statuses: i32[] = [];

  add(status: i32): void {
    this.statuses.push(status);
  }

  has(status: i32): bool {
    return this.statuses.includes(status) || this.statuses.includes(status / 100);
  }
}

/** `null` when there are none. */
export function readStatuses(config: ConfigReader): StatusSet | null {
  if (!config.isPresent) return null;
  const statuses = new StatusSet();
  if (config.length == 0) config.error("name at least one status, or leave it out");
  for (let index = 0; index < config.length; index++) {
    const entry = config.at(index);
    const text = entry.kind == JsonKind.String ? entry.asString() : "";
    const digit = text.length == 3 && text.endsWith("xx") ? text.charCodeAt(0) - 0x30 : 0;
    statuses.add(digit > 0 && digit < 6 ? digit : <i32>entry.asInteger(100, 599));
  }
  return statuses;
}
