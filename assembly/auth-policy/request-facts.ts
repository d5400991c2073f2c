import {
  ByteView,
  connection,
  destination,
  getPropertyAt,
  IpAddress,
  normalizePath,
  pathEnd,
  PathNormalization,
  RequestHeaders,
  Text,
} from "@attache/sdk";
import { ByteBuffer } from "./byte-buffer";
import { Claims } from "./claims";
import { stripPathParameters } from "./path-parameters";

/** What has been asked already for this request. */
const enum Known {
  Path = 1,
  Host = 2,
  Principal = 4,
  Port = 8,
  ServerName = 16,
  RemoteAddress = 32,
  DestinationAddress = 64,
  Target = 128,
}

/** How requests are read; the options of the configuration. */
export class Reading {
  pathNormalization: PathNormalization = PathNormalization.Base;
  ignorePathParameters: bool = false;
  /** Whether each line of a repeated header counts, and not only all of them joined. */
  isStrict: bool = true;
  /** Whether tokens are verified at all. */
  isAuthenticating: bool = false;
}

/**
 * One request as rules see it. Each fact is asked for when the first rule needs it, once. One object serves all
 * requests, one after the other: its views are valid until the callback returns.
 */
export class RequestFacts {
  headers!: RequestHeaders;
  /** Of the tokens that were verified; `null` without one. */
  claims: Claims | null = null;
  /** Forms of the path that a rule can look at; see {@link PathAttribute}. */
  readonly pathStarts: StaticArray<usize> = new StaticArray<usize>(4);
  readonly pathLengths: StaticArray<i32> = new StaticArray<i32>(4);
  pathCount: i32 = 0;
  /** The first form that an `ALLOW` rule looks at. */
  firstAllowedPath: i32 = 0;
  /** Whether the path is one that normalisation refuses, or that it changes. */
  isPathRefused: bool = false;
  isPathChanged: bool = false;

  private known: i32 = 0;
  private readonly hostBuffer: ByteBuffer = new ByteBuffer();
  private readonly pathBuffer: ByteBuffer = new ByteBuffer();
  private methodView: ByteView | null = null;
  private authority: ByteView | null = null;
  private hostView: ByteView | null = null;
  private principalView: ByteView | null = null;
  private portView: ByteView | null = null;
  private serverNameView: ByteView | null = null;
  private remote: IpAddress | null = null;
  private isRemoteIpv6: bool = false;
  private destination: IpAddress | null = null;

  constructor(readonly reading: Reading) {}

  /** Forgets the request before. */
  begin(headers: RequestHeaders): void {
    this.headers = headers;
    this.known = 0;
    this.claims = null;
  }

  get method(): ByteView | null {
    this.readTarget();
    return this.methodView;
  }

  /** `:authority` in lower case, with its port. */
  get host(): ByteView | null {
    if (this.isNew(Known.Host)) {
      this.readTarget();
      const authority = this.authority;
      this.hostView = authority === null ? null : copyInLowerCase(authority, this.hostBuffer);
    }
    return this.hostView;
  }

  /** Reads what the request is for, while its headers are at hand. */
  readTarget(): void {
    if (!this.isNew(Known.Target)) return;
    this.methodView = this.headers.getJoinedOf(METHOD);
    this.authority = this.headers.getJoinedOf(AUTHORITY);
  }

  /** Who the peer's certificate says it is: a SPIFFE id in a mesh. `null` for a peer without one. */
  get principal(): ByteView | null {
    if (this.isNew(Known.Principal)) this.principalView = notEmpty(this.readPrincipal());
    return this.principalView;
  }

  /** The port that the connection was accepted on, in decimal. */
  get port(): ByteView | null {
    if (this.isNew(Known.Port)) {
      const port = this.readPort();
      this.portView = port < 0 ? null : ByteView.ofText(port.toString());
    }
    return this.portView;
  }

  get serverName(): ByteView | null {
    if (this.isNew(Known.ServerName)) {
      this.serverNameView = notEmpty(this.readServerName());
    }
    return this.serverNameView;
  }

  /** The client's address, after `x-forwarded-for` if the listener trusts it. */
  get remoteAddress(): IpAddress | null {
    if (this.isNew(Known.RemoteAddress)) {
      const text = getPropertyAt("source\0address");
      this.remote = parseAddress(text);
      this.isRemoteIpv6 = text !== null && text.indexOf(0x3a, text.indexOf(0x3a) + 1) >= 0;
    }
    return this.remote;
  }

  /** Whether {@link remoteAddress} is an IPv4 address that was written as IPv6: `::ffff:10.0.0.1`. */
  get isRemoteMapped(): bool {
    const address = this.remoteAddress;
    return address !== null && address.isIpv4 && this.isRemoteIpv6;
  }

  get destinationAddress(): IpAddress | null {
    if (this.isNew(Known.DestinationAddress)) this.destination = parseAddress(getPropertyAt("destination\0address"));
    return this.destination;
  }

  /** Finds the forms of the path. */
  readPath(): void {
    if (!this.isNew(Known.Path)) return;
    this.pathCount = 0;
    this.firstAllowedPath = 0;
    this.isPathRefused = false;
    this.isPathChanged = false;
    const target = this.headers.getJoinedOf(PATH);
    if (target === null) return;
    const path = target.slice(0, pathEnd(target));
    this.isPathChanged = target.at(path.length) == 0x23 || target.indexOf(0x23, path.length) >= 0;
    this.addPath(path);
    this.addNormalized(path);
    if (!this.reading.ignorePathParameters) return;
    const stripped = stripPathParameters(path, this.pathBuffer);
    if (stripped === path) return;
    this.firstAllowedPath = this.pathCount;
    this.addPath(stripped);
    this.addNormalized(stripped);
  }

  /** As Envoy's RBAC: the first URI, else the first DNS name, else the subject. */
  protected readPrincipal(): ByteView | null {
    const uri = notEmpty(getPropertyAt("connection\0uri_san_peer_certificate"));
    if (uri !== null || !connection.mtls) return uri;
    const name = notEmpty(getPropertyAt("connection\0dns_san_peer_certificate"));
    return name !== null ? name : getPropertyAt("connection\0subject_peer_certificate");
  }

  protected readServerName(): ByteView | null {
    return getPropertyAt("connection\0requested_server_name");
  }

  protected readPort(): i32 {
    return destination.port;
  }

  private addNormalized(path: ByteView): void {
    const normalized = normalizePath(path, this.reading.pathNormalization);
    if (normalized === null) {
      this.isPathRefused = true;
    } else if (normalized !== path) {
      this.isPathChanged = true;
      this.addPath(normalized);
    }
  }

  private addPath(path: ByteView): void {
    unchecked((this.pathStarts[this.pathCount] = path.start));
    unchecked((this.pathLengths[this.pathCount] = path.length));
    this.pathCount += 1;
  }

  private isNew(fact: Known): bool {
    if ((this.known & fact) != 0) return false;
    this.known |= fact;
    return true;
  }
}

const METHOD: Text = new Text(":method");
const AUTHORITY: Text = new Text(":authority");
const PATH: Text = new Text(":path");

function notEmpty(view: ByteView | null): ByteView | null {
  return view === null || view.length == 0 ? null : view;
}

function parseAddress(address: ByteView | null): IpAddress | null {
  return address === null ? null : IpAddress.parsePeer(address);
}

/** `text` itself when it has no upper-case letter, otherwise a copy: the callback's own headers are kept as they are. */
function copyInLowerCase(text: ByteView, buffer: ByteBuffer): ByteView {
  let index = 0;
  while (index < text.length && text.at(index) - 0x41 >= 26) index++;
  if (index == text.length) return text;
  const copy = ByteView.of(buffer.reserve(text.length), text.length);
  memory.copy(copy.start, text.start, text.length);
  for (; index < copy.length; index++) {
    const byte = copy.at(index);
    if (byte - 0x41 < 26) copy.setAt(index, byte | 0x20);
  }
  return copy;
}
