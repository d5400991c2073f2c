import { ByteView, ConfigReader, Text } from "@attache/sdk";

/**
 * The name of a header that a filter can set; adds a problem when it is none. Headers that describe the connection or the
 * message itself (RFC 9110 §7.6.1, §8.6) are not: setting one breaks the request.
 */
export function headerName(config: ConfigReader, name: string): Text {
  const lower = "," + ByteView.ofText(name).toLowerCase().toString() + ",";
  if (isAuthorityName(name)) {
    config.error("is the authority, which only rewrite.authority and what is set on requests change");
  } else if (!isToken(name)) config.error("is not a header name");
  else if (
    ",connection,content-length,expect,keep-alive,proxy-connection,te,trailer,transfer-encoding,upgrade,".includes(
      lower,
    )
  ) {
    config.error("is a header that a filter must not change");
  }
  return new Text(name);
}

/** Whether a header's name stands for the authority. */
export function isAuthorityName(name: string): bool {
  const lower = ByteView.ofText(name).toLowerCase();
  return lower.equals("host") || lower.equals(":authority");
}

/** The value of a header; adds a problem when it would end its header and begin another. */
export function headerValue(config: ConfigReader, value: string): Text {
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index);
    if (unit == 0 || unit == 0x0a || unit == 0x0d) {
      config.error("must not hold NUL, CR or LF");
      break;
    }
  }
  return new Text(value);
}

/**
 * The value of a header that Envoy would format: `%%` is a percent sign. Adds a problem for every other `%`, with which Envoy's
 * commands begin, as `%REQ(x-user)%`: written as it is, it would reach the upstream.
 */
export function formattedValue(config: ConfigReader, value: string): Text {
  let text = "";
  let start = 0;
  for (let sign = value.indexOf("%"); sign >= 0; sign = value.indexOf("%", start)) {
    if (sign + 1 == value.length || value.charCodeAt(sign + 1) != 0x25) {
      config.error(
        "Envoy's commands (%…%) are not supported: use copy for the value of a header, and %% for a percent sign",
      );
      break;
    }
    text += value.substring(start, sign + 1);
    start = sign + 2;
  }
  return headerValue(config, text + value.substring(start));
}

/** The member `name`, as the value of a header; `null` when it is not given. */
export function optionalHeaderValue(config: ConfigReader, name: string): Text | null {
  const member = config.get(name);
  return member.isPresent ? headerValue(member, member.asString()) : null;
}

/** Whether two names are those of one header. */
export function isSameName(one: string, other: string): bool {
  return ByteView.ofText(one).toLowerCase().toString() == ByteView.ofText(other).toLowerCase().toString();
}

/** RFC 9110 §5.6.2. Pseudo headers are none. */
export function isToken(name: string): bool {
  for (let index = 0; index < name.length; index++) {
    const unit = name.charCodeAt(index);
    const letterOrDigit = <u32>((unit | 0x20) - 0x61) < 26 || <u32>(unit - 0x30) < 10;
    if (!letterOrDigit && "!#$%&'*+-.^_`|~".indexOf(String.fromCharCode(unit)) < 0) return false;
  }
  return name.length > 0;
}
