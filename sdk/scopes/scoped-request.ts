import { getPropertyAt } from "../attributes/property";
import { attributeInteger } from "../attributes/value";
import { RequestHeaders } from "../http/headers";
import { ByteView } from "../memory/byte-view";
import { Text } from "../memory/text";
import { pathEnd } from "../url/path";

/** Something of a request that rules match on. */
export const enum FieldKind {
  Host,
  Path,
  Route,
  Header,
}

/** Not asked for yet; no address. */
// @ts-ignore: decorator
@inline
const UNKNOWN: usize = 1;

/** What rules look at in a request, each found out at most once; valid until the callback returns. */
@final
export class ScopedRequest {
  private headers: RequestHeaders = new RequestHeaders();
  // Views, which are no objects.
  private host: usize = UNKNOWN;
  private path: usize = UNKNOWN;
  private route: usize = UNKNOWN;
  private portNumber: i32 = -1;

  begin(headers: RequestHeaders): void {
    this.headers = headers;
    this.host = UNKNOWN;
    this.path = UNKNOWN;
    this.route = UNKNOWN;
    this.portNumber = -1;
  }

  /** The value, or `null`; only headers have more than one line. */
  valueOf(kind: FieldKind, name: Text, line: i32): ByteView | null {
    if (kind == FieldKind.Header) return this.headers.getLineOf(name, line);
    if (line > 0) return null;
    if (kind == FieldKind.Host) {
      if (this.host == UNKNOWN) this.host = changetype<usize>(hostIn(this.headers.getBytes(":authority")));
      return changetype<ByteView | null>(this.host);
    }
    if (kind == FieldKind.Path) {
      if (this.path == UNKNOWN) this.path = changetype<usize>(pathIn(this.headers.getBytes(":path")));
      return changetype<ByteView | null>(this.path);
    }
    if (this.route == UNKNOWN) this.route = changetype<usize>(getPropertyAt("xds\0route_name"));
    return changetype<ByteView | null>(this.route);
  }

  /** The port that the client connected to; 0 when it is unknown. */
  get port(): i32 {
    if (this.portNumber < 0) this.portNumber = <i32>attributeInteger(getPropertyAt("destination\0port"), 0);
    return this.portNumber;
  }
}

/** The name in an authority, in lower case, without port and without a dot at its end. */
function hostIn(authority: ByteView | null): ByteView | null {
  if (authority === null) return null;
  let end = authority.length;
  while (end > 0 && <u32>authority.at(end - 1) - 0x30 < 10) end--;
  end = end > 0 && authority.at(end - 1) == 0x3a ? end - 1 : authority.length;
  if (end > 0 && authority.at(end - 1) == 0x2e) end--;
  return authority.slice(0, end).toLowerCase();
}

function pathIn(target: ByteView | null): ByteView | null {
  return target === null ? null : target.slice(0, pathEnd(target));
}
