import { ConfigReader, HeaderMap, Text } from "@attache/sdk";

/** Istio's `HeaderOperations`. Headers are removed first, then set, then added, as Envoy does. */
export class HeaderOperations {
  private readonly removed: Text[] = [];
  private readonly setNames: Text[] = [];
  private readonly setValues: Text[] = [];
  private readonly addedNames: Text[] = [];
  private readonly addedValues: Text[] = [];

  constructor(config: ConfigReader) {
    readPairs(config.object("set"), this.setNames, this.setValues);
    readPairs(config.object("add"), this.addedNames, this.addedValues);
    const remove = config.array("remove");
    for (let index = 0; index < remove.length; index++) {
      const name = remove.at(index).asString();
      checkName(remove.at(index), name);
      this.removed.push(new Text(name));
    }
  }

  apply(headers: HeaderMap): void {
    const removed = this.removed;
    for (let index = 0; index < removed.length; index++) headers.deleteOf(unchecked(removed[index]));
    const setNames = this.setNames;
    for (let index = 0; index < setNames.length; index++) {
      headers.setOf(unchecked(setNames[index]), unchecked(this.setValues[index]));
    }
    const addedNames = this.addedNames;
    for (let index = 0; index < addedNames.length; index++) {
      headers.appendOf(unchecked(addedNames[index]), unchecked(this.addedValues[index]));
    }
  }
}

function readPairs(config: ConfigReader, names: Text[], values: Text[]): void {
  for (let index = 0; index < config.length; index++) {
    const entry = config.at(index);
    const value = entry.asString();
    checkName(entry, entry.key);
    for (let unit = 0; unit < value.length; unit++) {
      const code = value.charCodeAt(unit);
      if (code == 0 || code == 0x0a || code == 0x0d) {
        entry.error("a header value cannot hold NUL, CR or LF");
        break;
      }
    }
    names.push(new Text(entry.key));
    values.push(new Text(value));
  }
}

function checkName(entry: ConfigReader, name: string): void {
  if (name.length == 0) entry.error("a header name cannot be empty");
  else if (name.charCodeAt(0) == 0x3a || name.toLowerCase() == "host") {
    entry.error('"' + name + '" cannot be changed by header operations');
  }
}
