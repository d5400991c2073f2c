import { ByteView, ConfigReader } from "@attache/sdk";
import { StringMatch } from "@attache/istio";
import { exactlyOne } from "./exactly-one";
import { KeyEntry } from "./key-entry";
import { LimitSurroundings } from "./limit-surroundings";
import { Algorithm } from "./algorithm";
import { Quota } from "./quota";
import { readQuota, readServiceQuota } from "./read-quota";

/** Another quota for keys whose entries have certain values. */
@final
export class Override {
  readonly quota: Quota;
  /** Whether all keys that it takes count together, as far as it names their entries. */
  readonly isShared: bool;
  /** Positions in the key. */
  readonly entries: i32[] = [];
  private readonly matches: StringMatch[] = [];

  constructor(
    config: ConfigReader,
    keyEntries: KeyEntry[],
    algorithm: Algorithm,
    name: string,
    isGlobal: bool,
    parts: i64,
    surroundings: LimitSurroundings,
  ) {
    const isUnlimited = config.bool("unlimited", false);
    const isBan = config.bool("ban", false);
    const hasQuota = config.has("limit") || config.has("maxTokens") || config.has("windows");
    this.quota = !hasQuota ? new Quota() : isGlobal ? readServiceQuota(config) : readQuota(config, algorithm, name, parts); // prettier-ignore
    this.quota.readReplaced(config, surroundings);
    this.quota.isUnlimited = isUnlimited;
    if (isBan) this.quota.isBan = true;
    this.isShared = !isGlobal && config.bool("shareThreshold", false);
    exactlyOne(config, <i32>isUnlimited + <i32>isBan + <i32>hasQuota, "a limit (or windows), unlimited and ban");

    const when = config.required("when").asObject();
    if (when.isPresent && when.length == 0) when.error("name at least one entry of the key");
    for (let index = 0; index < when.length; index++) {
      const pattern = when.at(index);
      const entry = findEntry(keyEntries, pattern.key);
      if (entry < 0) pattern.error("the key has no entry of this name");
      this.entries.push(max(entry, 0));
      this.matches.push(new StringMatch(pattern.asObject()));
    }
  }

  /** @param values of the key's entries; `null` for those that a request does not have */
  takes(values: StaticArray<usize>): bool {
    const entries = this.entries;
    for (let index = 0; index < entries.length; index++) {
      const value = changetype<ByteView | null>(unchecked(values[entries[index]]));
      if (!unchecked(this.matches[index]).matches(value)) return false;
    }
    return true;
  }
}

function findEntry(entries: KeyEntry[], name: string): i32 {
  for (let index = 0; index < entries.length; index++) if (entries[index].name == name) return index;
  return -1;
}
