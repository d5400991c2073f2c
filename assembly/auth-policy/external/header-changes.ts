import { HeaderMap, isHeaderName, isHeaderValue, LocalReply } from "@attache/sdk";

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
    if (!isSettable(name) || !isHeaderValue(value)) this.isValid = false;
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
  return isHeaderName(name) && !isListed(name.toLowerCase());
}

/** Headers that say where a message goes, how it is divided, or belong to one connection (RFC 9110 §7.6.1). */
// @ts-ignore: decorator
@cold
function isListed(name: string): bool {
  return ",host,content-length,transfer-encoding,connection,keep-alive,proxy-connection,te,trailer,upgrade,".includes(
    "," + name + ",",
  );
}
