import { HeaderMap, LocalReply } from "@attache/sdk";

/** Headers that an external service has set. */
@final
export class HeaderChanges {
  private readonly names: string[] = [];
  private readonly values: string[] = [];
  private readonly areAppended: bool[] = [];
  /** Whether all of them can be set. */
  isValid: bool = true;

  get isEmpty(): bool {
    return this.names.length == 0;
  }

  /** @param isAppended whether what is there is kept */
  add(name: string, value: string, isAppended: bool): void {
    if (!isSettable(name) || !isValue(value)) this.isValid = false;
    this.names.push(name.toLowerCase());
    this.values.push(value);
    this.areAppended.push(isAppended);
  }

  /** Adds a header, of which other lines may have been added. */
  addLine(name: string, value: string): void {
    this.add(name, value, this.names.includes(name.toLowerCase()));
  }

  /** Whether the proxy took all of them. */
  applyTo(headers: HeaderMap): bool {
    let isDone = true;
    for (let at = 0; at < this.names.length; at++) {
      const name = this.names[at];
      const value = this.values[at];
      if (!(this.areAppended[at] ? headers.append(name, value) : headers.set(name, value))) isDone = false;
    }
    return isDone;
  }

  addTo(reply: LocalReply): void {
    for (let at = 0; at < this.names.length; at++) reply.header(this.names[at], this.values[at]);
  }
}

/** Whether a service may set a header: neither where a message goes nor where it ends is for it to say. */
export function isSettable(name: string): bool {
  for (let at = 0; at < name.length; at++) {
    const unit = <u32>name.charCodeAt(at);
    if (unit <= 0x20 || unit >= 0x7f || unit == 0x3a) return false;
  }
  return name.length > 0 && !isListed(name.toLowerCase());
}

/** Headers that say where a message goes, how it is divided, or belong to one connection (RFC 9110 §7.6.1). */
function isListed(name: string): bool {
  return (
    !name.includes(",") &&
    ",host,content-length,transfer-encoding,connection,keep-alive,proxy-connection,te,trailer,upgrade,".includes(
      "," + name + ",",
    )
  );
}

function isValue(value: string): bool {
  for (let at = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    if ((unit < 0x20 && unit != 0x09) || unit == 0x7f) return false;
  }
  return true;
}
