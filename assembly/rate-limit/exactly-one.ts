import { ConfigReader } from "@attache/sdk";

/** Reports that not exactly one of several members is given. */
export function exactlyOne(config: ConfigReader, given: i32, names: string): void {
  if (given != 1) config.error("exactly one of " + names + " must be given");
}
