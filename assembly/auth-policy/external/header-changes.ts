import { HeaderMap, isHeaderName, isHeaderValue, LocalReply } from "@attache/sdk";
import { lowerCase } from "../lower-case";

/** What becomes of a header that is there already; the first four are Envoy's `HeaderAppendAction`, by their numbers. */
export enum HeaderAction {
  Append,
  /** What is there stays alone. */
  AddIfAbsent,
  Set,
  /** What is not there stays away. */
  SetIfPresent,
  /** Likewise. */
  AppendIfPresent,
}

/** Headers that an external service has set. */
@final
export class HeaderChanges {
  private readonly names: string[] = [];
  private readonly values: string[] = [];
  private readonly actions: HeaderAction[] = [];
  /** Whether all of them can be set. */
  isValid: bool = true;

  /** @param isAdding whether they stand beside what is there, as in a response, or replace it */
  constructor(private readonly isAdding: bool) {}

  /** What is done where the service does not say. */
  get usualAction(): HeaderAction {
    return this.isAdding ? HeaderAction.Append : HeaderAction.Set;
  }

  get isEmpty(): bool {
    return this.names.length == 0;
  }

  add(name: string, value: string, action: HeaderAction): void {
    if (!isSettable(name) || !isHeaderValue(value) || <u32>action > <u32>HeaderAction.AppendIfPresent)
      this.isValid = false;
    this.names.push(lowerCase(name));
    this.values.push(value);
    this.actions.push(action);
  }

  /** Adds a header, of which other lines may have been added. */
  addLine(name: string, value: string): void {
    this.add(name, value, this.names.includes(lowerCase(name)) ? HeaderAction.Append : this.usualAction);
  }

  /** Whether the proxy took all of them. */
  applyTo(headers: HeaderMap): bool {
    let isDone = true;
    for (let at = 0; at < this.names.length; at++) {
      const name = this.names[at];
      const value = this.values[at];
      const action = this.actions[at];
      const asks = action != HeaderAction.Append && action != HeaderAction.Set;
      if (asks && headers.has(name) == (action == HeaderAction.AddIfAbsent)) continue;
      const appends = action == HeaderAction.Append || action == HeaderAction.AppendIfPresent;
      if (!(appends ? headers.append(name, value) : headers.set(name, value))) isDone = false;
    }
    return isDone;
  }

  addTo(reply: LocalReply): void {
    for (let at = 0; at < this.names.length; at++) {
      if (this.actions[at] != HeaderAction.AppendIfPresent) reply.header(this.names[at], this.values[at]);
    }
  }
}

/** Whether a service may set a header: neither where a message goes nor where it ends is for it to say. */
export function isSettable(name: string): bool {
  return isHeaderName(name) && !isListed(lowerCase(name));
}

/** Headers that say where a message goes, how it is divided, or belong to one connection (RFC 9110 §7.6.1). */
function isListed(name: string): bool {
  return ",host,content-length,transfer-encoding,connection,keep-alive,proxy-connection,te,trailer,upgrade,".includes(
    "," + name + ",",
  );
}
