import { JsonDocument } from "../json/document";
import { JsonNode } from "../json/node";
import { JsonWriter } from "../json/writer";
import { SharedKey, SharedResult } from "./shared-data";

/**
 * A JSON value that all workers share.
 *
 * ```ts
 * const total = this.state.get().member("total").i64;
 * ```
 *
 * Allowed in: every callback. Cost: one host call each, and reading or writing the JSON; making the object takes two.
 */
export class SharedJson extends SharedKey {
  private readonly sharedDocument: JsonDocument = new JsonDocument();

  /**
   * The value; an absent node when there is none, what is there is no JSON, or the proxy refuses. Good until this object
   * is read again.
   */
  get(): JsonNode {
    const bytes = this.readShared();
    const document = this.sharedDocument;
    if (bytes === null) document.parse(0, 0);
    else document.parse(bytes.start, bytes.length);
    return document.root;
  }

  /** Writes what is complete in `json`, whatever is there. */
  set(json: JsonWriter): SharedResult {
    const text = json.end();
    return this.writeShared(text.start, text.length, 0);
  }

  /**
   * Has `change` write new JSON for the old, so that no worker's change is lost: again with what is there then when another
   * worker came first, 100 times at most. When `change` answers `false`, what is there stays.
   *
   * Functions have no closures: what `change` needs is its third argument.
   *
   * ```ts
   * state.update<i64>((current, json, added) => {
   *   json.beginObject().name("total").integer(current.member("total").i64 + added).endObject();
   *   return true;
   * }, 3);
   * ```
   *
   * `Contended` when other workers came first each time; unless the answer is `Done`, nothing was written.
   */
  update<T>(change: (current: JsonNode, json: JsonWriter, argument: T) => bool, argument: T): SharedResult {
    for (let attempt = 0; attempt < 100; attempt++) {
      const current = this.get();
      const version = this.sharedVersion;
      if (version == 0) return SharedResult.Refused;
      const json = JsonWriter.begin();
      if (!change(current, json, argument)) return SharedResult.Done;
      const text = json.end();
      const result = this.writeShared(text.start, text.length, version);
      if (result != SharedResult.Contended) return result;
    }
    return SharedResult.Contended;
  }
}
