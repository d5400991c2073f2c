import { ByteView, ConfigReader, Found, KeyKind, RequestHeaders, Text, TextIndex } from "@attache/sdk";

/** The `hosts` of a VirtualService: names, `*`, and `*.` with what a name ends with. Ports and case do not count. */
@final
export class HostSet extends Found {
  private index: TextIndex | null = null;
  private takesAll: bool = true;

  /** @param namespace of the resource, in which a name without dots is a service; `""` when it is not known */
  constructor(config: ConfigReader, namespace: string) {
    super();
    this.index = new TextIndex(this);
    this.takesAll = config.length == 0;
    for (let index = 0; index < config.length; index++) this.read(config.at(index), namespace);
  }

  /** Whether a request is for one of the hosts. */
  takes(headers: RequestHeaders): bool {
    if (this.takesAll) return true;
    const authority = headers.getBytes(":authority");
    if (authority === null) return false;
    const host = withoutPort(authority).toLowerCase();
    return this.index!.visit(host.start, host.length);
  }

  take(value: i32): bool {
    return true;
  }

  private read(config: ConfigReader, namespace: string): void {
    const host = config.asString();
    if (host == "*") {
      this.takesAll = true;
      return;
    }
    const isSuffix = host.startsWith("*.");
    if (config.isPresent && (host.length == 0 || host.indexOf("*", isSuffix ? 1 : 0) >= 0)) {
      config.error("must be a name, * or *. and a name");
    }
    this.add(isSuffix ? KeyKind.Suffix : KeyKind.Exact, isSuffix ? host.substring(1) : host);
    if (namespace.length == 0 || host.includes(".")) return;
    this.add(KeyKind.Exact, host + "." + namespace);
    this.add(KeyKind.Exact, host + "." + namespace + ".svc");
    this.add(KeyKind.Exact, host + "." + namespace + ".svc.cluster.local");
  }

  private add(kind: KeyKind, host: string): void {
    this.index!.add(kind, Text.ofBytes(ByteView.ofText(host).toLowerCase()), 0);
  }
}

function withoutPort(authority: ByteView): ByteView {
  let end = authority.length;
  while (end > 0 && <u32>authority.at(end - 1) - 0x30 < 10) end--;
  return end > 0 && authority.at(end - 1) == 0x3a ? authority.slice(0, end - 1) : authority;
}
