import { ConfigReader, HeaderMap, Text } from "@attache/sdk";
import { checkHeaderName, checkHeaderValue } from "./header-text";

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
      const entry = remove.at(index);
      const name = entry.asString();
      if (entry.isPresent) checkHeaderName(entry, name);
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
    checkHeaderName(entry, entry.key);
    checkHeaderValue(entry, value);
    names.push(new Text(entry.key));
    values.push(new Text(value));
  }
}
