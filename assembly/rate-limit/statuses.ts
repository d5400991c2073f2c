import { ConfigReader, JsonKind } from "@attache/sdk";

/** Statuses of responses: single ones, and classes such as `4xx`, each as the digit it begins with. */
export function readStatuses(config: ConfigReader): i32[] {
  const statuses: i32[] = [];
  if (config.isPresent && config.length == 0) config.error("name at least one status");
  for (let index = 0; index < config.length; index++) {
    const entry = config.at(index);
    const text = entry.kind == JsonKind.String ? entry.asString() : "";
    const digit = text.length == 3 && text.endsWith("xx") ? text.charCodeAt(0) - 0x30 : 0;
    statuses.push(digit >= 1 && digit <= 5 ? digit : <i32>entry.asInteger(100, 599));
  }
  return statuses;
}

/** Whether a status is one of them, or of a class that is. */
export function hasStatus(statuses: i32[], status: i32): bool {
  for (let index = 0; index < statuses.length; index++) {
    const counted = unchecked(statuses[index]);
    if (counted == status || counted == status / 100) return true;
  }
  return false;
}
