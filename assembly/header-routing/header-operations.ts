import { ConfigReader, HeaderMap, Text } from "@attache/sdk";
import { AuthorityRewrite, authorityRewrite } from "./authority-rewrite";
import { formattedValue, headerName, isAuthorityName, isSameName } from "./header-text";

/** In the order in which they are carried out. */
const enum Operation {
  Rename,
  Copy,
  Remove,
  Set,
  Add,
  Dedupe,
}

/**
 * Istio's `HeaderOperations`: headers are removed, then set, then added, as Envoy does. Before that they are renamed and
 * copied, at last deprived of repetitions.
 *
 * `host` and `:authority` among the headers to set or to add ask for another authority of requests, as in Istio.
 */
@final
export class HeaderOperations {
  private readonly operations: Operation[] = [];
  private readonly names: Text[] = [];
  /** The value, or the other name. */
  private readonly others: Text[] = [];

  /** The authority that is asked for, and by the further operations. */
  private ownAuthority: AuthorityRewrite | null = null;
  private furtherAuthority: AuthorityRewrite | null = null;

  /**
   * @param further operations that are carried out together with these, as Envoy does with those of one list
   * @param areOfRequest whether the authority can be set
   */
  constructor(
    config: ConfigReader,
    further: ConfigReader,
    private readonly areOfRequest: bool,
  ) {
    this.read(config, further, "rename", Operation.Rename);
    this.read(config, further, "copy", Operation.Copy);
    this.read(config, further, "remove", Operation.Remove);
    this.read(config, further, "set", Operation.Set);
    this.read(config, further, "add", Operation.Add);
    this.read(config, further, "dedupe", Operation.Dedupe);
  }

  /** The authority that upstreams are to see; that of the further operations counts when these have none. */
  get authority(): AuthorityRewrite | null {
    return this.hasOwnAuthority ? this.ownAuthority : this.furtherAuthority;
  }

  get hasOwnAuthority(): bool {
    return this.ownAuthority !== null;
  }

  apply(headers: HeaderMap): void {
    const operations = this.operations;
    for (let index = 0; index < operations.length; index++) {
      const name = unchecked(this.names[index]);
      const other = unchecked(this.others[index]);
      switch (unchecked(operations[index])) {
        case Operation.Remove:
          headers.deleteOf(name);
          break;
        case Operation.Set:
          headers.setOf(name, other);
          break;
        case Operation.Add:
          headers.appendOf(name, other);
          break;
        case Operation.Dedupe: {
          const first = headers.getBytesOf(name);
          if (first !== null) headers.setBytesOf(name, first);
          break;
        }
        default: {
          copy(headers, name, other);
          if (unchecked(operations[index]) == Operation.Rename) headers.deleteOf(name);
        }
      }
    }
  }

  private read(config: ConfigReader, further: ConfigReader, member: string, operation: Operation): void {
    const takesNames = operation == Operation.Remove || operation == Operation.Dedupe;
    this.readList(takesNames ? config.array(member) : config.object(member), operation, false);
    this.readList(takesNames ? further.array(member) : further.object(member), operation, true);
  }

  private readList(config: ConfigReader, operation: Operation, areFurther: bool): void {
    for (let index = 0; index < config.length; index++) {
      const entry = config.at(index);
      const text = entry.asString();
      if (operation == Operation.Remove || operation == Operation.Dedupe) {
        const name = entry.isPresent ? headerName(entry, text) : new Text(text);
        this.add(operation, name, name);
      } else {
        const isValue = operation == Operation.Set || operation == Operation.Add;
        if (isValue && this.areOfRequest && isAuthorityName(entry.key)) {
          this.readAuthority(entry, formattedValue(entry, text), areFurther);
          continue;
        }
        // Onto itself it stays as it is.
        if (!isValue && isSameName(entry.key, text)) continue;
        const other = isValue ? formattedValue(entry, text) : headerName(entry, text);
        this.add(operation, headerName(entry, entry.key), other);
      }
    }
  }

  private readAuthority(config: ConfigReader, value: Text, isFurther: bool): void {
    const authority = authorityRewrite(value);
    if (authority === null) return;
    if ((isFurther ? this.furtherAuthority : this.ownAuthority) !== null) config.error("sets the authority once more");
    if (isFurther) this.furtherAuthority = authority;
    else this.ownAuthority = authority;
  }

  private add(operation: Operation, name: Text, other: Text): void {
    this.operations.push(operation);
    this.names.push(name);
    this.others.push(other);
  }
}

function copy(headers: HeaderMap, from: Text, to: Text): void {
  let value = headers.getLineOf(from, 0);
  if (value !== null) headers.setBytesOf(to, value);
  for (let line = 1; value !== null; line++) {
    value = headers.getLineOf(from, line);
    if (value !== null) headers.appendBytesOf(to, value);
  }
}
