import { ByteView, ConfigReader } from "@attache/sdk";

/** Headers that describe the connection or the message itself (RFC 9110 §7.6.1, §8.6): setting one breaks the request. */
const RESERVED =
  ",host,connection,content-length,expect,keep-alive,proxy-connection,te,trailer,transfer-encoding,upgrade,";

/** Adds a problem unless `name` is a header that a filter can set. */
export function checkHeaderName(config: ConfigReader, name: string): void {
  if (!isToken(name)) config.error("is not a header name: letters, digits and !#$%&'*+-.^_`|~ only");
  else if (RESERVED.includes("," + ByteView.ofText(name).toLowerCase().toString() + ","))
    config.error("is a header that a filter must not change");
}

/** Adds a problem if `value` would end its header and begin another. */
export function checkHeaderValue(config: ConfigReader, value: string): void {
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index);
    if (unit == 0 || unit == 0x0a || unit == 0x0d) {
      config.error("must not hold NUL, CR or LF");
      return;
    }
  }
}

/** RFC 9110 §5.6.2. Pseudo headers are none. */
function isToken(name: string): bool {
  for (let index = 0; index < name.length; index++) {
    const unit = name.charCodeAt(index);
    const letterOrDigit = <u32>((unit | 0x20) - 0x61) < 26 || <u32>(unit - 0x30) < 10;
    if (!letterOrDigit && "!#$%&'*+-.^_`|~".indexOf(String.fromCharCode(unit)) < 0) return false;
  }
  return name.length > 0;
}
