import { ConfigReader } from "../config";
import { KeyKind } from "../match/text-index";
import { ByteView } from "../memory/byte-view";
import { Text } from "../memory/text";
import { FieldKind, ScopedRequest } from "./scoped-request";
import { lowerCaseText, TextMatch } from "./text-match";

/** What one field of a request has to be: any of some texts. */
@final
export class RulePart {
  readonly alternatives: TextMatch[] = [];

  /** @param name of the header; `""` for other fields */
  constructor(
    readonly kind: FieldKind,
    readonly name: Text,
  ) {}

  /** Whether an index can find it. */
  get isIndexable(): bool {
    const alternatives = this.alternatives;
    for (let index = 0; index < alternatives.length; index++) {
      if (alternatives[index].kind == KeyKind.None) return false;
    }
    return true;
  }

  /** Whether any line of the field is any of the texts. */
  matches(request: ScopedRequest): bool {
    for (let line = 0; ; line++) {
      const value = request.valueOf(this.kind, this.name, line);
      if (value === null) return false;
      if (this.takes(value)) return true;
    }
    return false;
  }

  private takes(value: ByteView): bool {
    const alternatives = this.alternatives;
    for (let index = 0; index < alternatives.length; index++) {
      if (unchecked(alternatives[index]).matches(value)) return true;
    }
    return false;
  }
}

/** Which requests a rule is for: those that fit everything that is given. */
@final
export class RuleMatch {
  readonly parts: RulePart[] = [];
  private readonly ports: i32[] = [];

  constructor(config: ConfigReader) {
    const hosts = this.partFor(config.array("hosts"), FieldKind.Host);
    for (let index = 0; index < hosts.length; index++) this.last.push(TextMatch.readHost(hosts.at(index)));
    this.readTexts(config.array("paths"), FieldKind.Path);
    this.readTexts(config.array("routes"), FieldKind.Route);
    const ports = notEmpty(config.array("ports"));
    for (let index = 0; index < ports.length; index++) this.ports.push(<i32>ports.at(index).asInteger(1, 65535));
    const headers = notEmpty(config.object("headers"));
    for (let index = 0; index < headers.length; index++) {
      const header = headers.at(index);
      if (header.key.length == 0) header.error("a name cannot be empty");
      this.parts.push(new RulePart(FieldKind.Header, lowerCaseText(header.key)));
      this.last.push(TextMatch.read(header, false));
    }
  }

  matches(request: ScopedRequest): bool {
    const parts = this.parts;
    for (let index = 0; index < parts.length; index++) {
      if (!unchecked(parts[index]).matches(request)) return false;
    }
    return this.ports.length == 0 || this.ports.includes(request.port);
  }

  private readTexts(config: ConfigReader, kind: FieldKind): void {
    this.partFor(config, kind);
    for (let index = 0; index < config.length; index++) {
      this.last.push(TextMatch.read(config.at(index), kind == FieldKind.Path));
    }
  }

  private partFor(config: ConfigReader, kind: FieldKind): ConfigReader {
    if (notEmpty(config).length > 0) this.parts.push(new RulePart(kind, new Text("")));
    return config;
  }

  private get last(): TextMatch[] {
    return this.parts[this.parts.length - 1].alternatives;
  }
}

function notEmpty(list: ConfigReader): ConfigReader {
  if (list.isPresent && list.length == 0) list.error("cannot be empty: leave it out to match all requests");
  return list;
}
