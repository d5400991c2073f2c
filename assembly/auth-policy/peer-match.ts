import { Glob, KeyKind, Text } from "@attache/sdk";
import { TextMatch } from "./text-match";

/** Where a namespace stands in a SPIFFE id, as Istio reads it: `spiffe://cluster.local/ns/default/sa/sleep`. */
export const NAMESPACE_MARK: string = "/ns/";
export const SERVICE_ACCOUNT_MARK: string = "/sa/";

/** A namespace, in which `*` stands for anything: a SPIFFE id that has `/ns/<namespace>/` in it. */
@final
export class NamespaceMatch extends TextMatch {
  private readonly glob: Glob;

  constructor(namespace: string) {
    const star = namespace.indexOf("*");
    super(KeyKind.Prefix, new Text(star < 0 ? namespace + "/" : namespace.substring(0, star)));
    this.glob = new Glob("*/ns/" + namespace + "/*");
  }

  matches(start: usize, length: i32): bool {
    return this.glob.matches(start, length);
  }
}

/**
 * A service account of a namespace: `spiffe://<trust domain>/ns/<namespace>/sa/<name>`, where Istio allows more segments
 * before `sa` and behind the name. Both names are taken literally (CVE-2026-39350).
 */
@final
export class ServiceAccountMatch extends TextMatch {
  private readonly namespacePart: Text;
  private readonly account: Text;

  constructor(namespace: string, name: string) {
    super(KeyKind.Exact, new Text(name));
    this.namespacePart = new Text("/ns/" + namespace + "/");
    this.account = new Text("/sa/" + name);
  }

  matches(start: usize, length: i32): bool {
    if (length <= SCHEME_SIZE || memory.compare(start, SCHEME.encoded, SCHEME_SIZE) != 0) {
      return false;
    }
    const end = start + length;
    // The trust domain is not empty. What is behind the first place holds for every later one too.
    const found = find(this.namespacePart, start + SCHEME_SIZE + 1, end);
    if (found == 0) return false;
    // The slash in front of `sa` may be the one that ends the namespace.
    let at = found + this.namespacePart.length - 1;
    while (true) {
      at = find(this.account, at, end);
      if (at == 0) return false;
      const behind = at + this.account.length;
      if (behind == end || (load<u8>(behind) == SLASH && behind + 1 < end)) return true;
      at += 1;
    }
  }
}

/** A trust domain: the part of a SPIFFE id between `spiffe://` and the next slash. One `*` may stand at an end of it. */
@final
export class TrustDomainMatch extends TextMatch {
  private readonly head: Text;
  private readonly tail: Text;
  private readonly isExact: bool;

  constructor(domain: string) {
    const star = domain.indexOf("*");
    super(KeyKind.Prefix, new Text("spiffe://" + (star < 0 ? domain + "/" : domain.substring(0, star))));
    this.isExact = star < 0;
    this.head = new Text(star < 0 ? domain : domain.substring(0, star));
    this.tail = new Text(star < 0 ? "" : domain.substring(star + 1));
  }

  matches(start: usize, length: i32): bool {
    if (length <= SCHEME_SIZE || memory.compare(start, SCHEME.encoded, SCHEME_SIZE) != 0) {
      return false;
    }
    const domain = start + SCHEME_SIZE;
    const end = start + length;
    let slash = domain;
    while (slash < end && load<u8>(slash) != SLASH) slash++;
    // `*` alone takes an id without a path too, as Istio's prefix `spiffe://` does.
    if (slash == end && this.head.length + this.tail.length > 0) return false;
    const size = <i32>(slash - domain);
    const head = this.head;
    const tail = this.tail;
    if (this.isExact ? size != head.length : size < head.length + tail.length) return false;
    return (
      memory.compare(domain, head.encoded, head.length) == 0 &&
      memory.compare(slash - tail.length, tail.encoded, tail.length) == 0
    );
  }
}

const SCHEME: Text = new Text("spiffe://");
// @ts-ignore: decorator
@inline
const SCHEME_SIZE: i32 = 9;
// @ts-ignore: decorator
@inline
const SLASH: u8 = 0x2f;

/** The address of the first place of `text` between `from` and `end`, or 0. */
export function find(text: Text, from: usize, end: usize): usize {
  const size = <usize>text.length;
  const bytes = text.encoded;
  while (from + size <= end) {
    if (memory.compare(from, bytes, size) == 0) return from;
    from++;
  }
  return 0;
}
