import { ConfigReader } from "@attache/sdk";

/** `name` if it may stand in headers, else the other one. */
export function checkedName(name: string, otherwise: string): string {
  return isName(name) ? name : otherwise;
}

/** Names stand in headers and metrics, between double quotes there. */
export function checkName(config: ConfigReader, name: string): void {
  if (!isName(name)) config.error("must be 1 to 100 ASCII characters, no quotes or backslashes");
}

function isName(name: string): bool {
  let isValid = name.length > 0 && name.length <= 100;
  for (let index = 0; index < name.length; index++) {
    const unit = name.charCodeAt(index);
    if (unit < 0x20 || unit > 0x7e || unit == 0x22 || unit == 0x5c) isValid = false;
  }
  return isValid;
}
