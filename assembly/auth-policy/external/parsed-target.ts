import { ByteView, JsonWriter, pathEnd, Query } from "@attache/sdk";

/** More parameters are not handed on: each is looked for among all others. */
const MOST_PARAMETERS: i32 = 1024;

/**
 * Writes `parsed_path` and `parsed_query` of a `:path`, as OPA's Envoy plugin does: the segments of the decoded path, and for
 * each parameter the list of its values. The answer is whether there are not too many of these.
 */
export function writeParsedTarget(json: JsonWriter, target: ByteView): bool {
  json.name("parsed_path").beginArray();
  const path = decodePath(target.slice(0, pathEnd(target)));
  let from = 0;
  while (path.at(from) == 0x2f) from++;
  while (from <= path.length) {
    const slash = path.indexOf(0x2f, from);
    const to = slash < 0 ? path.length : slash;
    json.bytes(path.slice(from, to));
    from = to + 1;
  }
  json.endArray().name("parsed_query").beginObject();
  const names: ByteView[] = [];
  const values: ByteView[] = [];
  const query = Query.of(target);
  while (query.next()) {
    if (names.length == MOST_PARAMETERS) return false;
    names.push(query.name);
    values.push(query.value);
  }
  for (let index = 0; index < names.length; index++) {
    if (indexOf(names, names[index]) < index) continue;
    json.nameBytes(names[index]).beginArray();
    for (let at = index; at < names.length; at++) if (isSame(names[at], names[index])) json.bytes(values[at]);
    json.endArray();
  }
  json.endObject();
  return true;
}

/** A copy of a path with its escapes decoded, those of slashes too; a `%` that begins none stays. */
function decodePath(path: ByteView): ByteView {
  const decoded = path.concat(path.slice(path.length));
  let length = 0;
  for (let from = 0; from < path.length; from++) {
    let byte = <u32>path.at(from);
    const escaped = (digitAt(path, from + 1) << 4) | digitAt(path, from + 2);
    if (byte == 0x25 && escaped <= 0xff) {
      byte = escaped;
      from += 2;
    }
    decoded.setAt(length++, <u8>byte);
  }
  return decoded.slice(0, length);
}

/** The value of a hexadecimal digit; 256 for anything else. */
function digitAt(text: ByteView, index: i32): u32 {
  const byte = <u32>text.at(index);
  const letter = (byte | 0x20) - 0x61;
  return byte - 0x30 < 10 ? byte - 0x30 : letter < 6 ? letter + 10 : 256;
}

/** The place of the first of `names` that is `name`. */
function indexOf(names: ByteView[], name: ByteView): i32 {
  let index = 0;
  while (index < names.length && !isSame(names[index], name)) index++;
  return index;
}

function isSame(a: ByteView, b: ByteView): bool {
  return a.length == b.length && memory.compare(a.start, b.start, a.length) == 0;
}
