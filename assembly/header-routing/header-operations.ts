import { ConfigReader, HeaderMap, Text } from "@attache/sdk";
import { headerName, headerValue } from "./header-text";

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
 */
@final
export class HeaderOperations {
  private readonly operations: Operation[] = [];
  private readonly names: Text[] = [];
  /** The value, or the other name. */
  private readonly others: Text[] = [];

  constructor(config: ConfigReader) {
    this.readPairs(config.object("rename"), Operation.Rename);
    this.readPairs(config.object("copy"), Operation.Copy);
    this.readNames(config.array("remove"), Operation.Remove);
    this.readPairs(config.object("set"), Operation.Set);
    this.readPairs(config.object("add"), Operation.Add);
    this.readNames(config.array("dedupe"), Operation.Dedupe);
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
          const value = headers.getJoinedOf(name);
          if (value === null) break;
          headers.setBytesOf(other, value);
          if (unchecked(operations[index]) == Operation.Rename) headers.deleteOf(name);
        }
      }
    }
  }

  private readPairs(config: ConfigReader, operation: Operation): void {
    for (let index = 0; index < config.length; index++) {
      const entry = config.at(index);
      const text = entry.asString();
      const isValue = operation == Operation.Set || operation == Operation.Add;
      this.add(operation, headerName(entry, entry.key), isValue ? headerValue(entry, text) : headerName(entry, text));
    }
  }

  private readNames(config: ConfigReader, operation: Operation): void {
    for (let index = 0; index < config.length; index++) {
      const entry = config.at(index);
      const name = entry.asString();
      const text = entry.isPresent ? headerName(entry, name) : new Text(name);
      this.add(operation, text, text);
    }
  }

  private add(operation: Operation, name: Text, other: Text): void {
    this.operations.push(operation);
    this.names.push(name);
    this.others.push(other);
  }
}
