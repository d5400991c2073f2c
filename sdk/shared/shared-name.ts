import { Status } from "../abi/enums";
import { proxy_get_property } from "../abi/imports";
import { currentContext } from "../context/callback";
import { beginBytes, writeByte, writeBytes, writeText, writtenBytes, writtenSize } from "../memory/byte-writer";
import { encodeText, textSize } from "../memory/utf8";

/**
 * The name of something all workers share, in bytes. The proxy has one space of names for all filters with the same
 * `vm_id`, so the plugin's name and root id come first, unless it is raw. Takes two host calls.
 */
export function sharedName(name: string, raw: bool): StaticArray<u8> {
  if (!raw && currentContext == 0) throw new Error("shared data belongs to a plugin: make it a field of the plugin");
  beginBytes();
  if (!raw) {
    writeProperty("plugin_name");
    writeProperty("plugin_root_id");
  }
  writeText(name);
  const bytes = new StaticArray<u8>(<i32>writtenSize());
  memory.copy(changetype<usize>(bytes), writtenBytes(), writtenSize());
  return bytes;
}

/** Writes the property and a zero byte, which no name has. */
function writeProperty(name: string): void {
  const path = encodeText(name);
  const out = memory.data(8, 4);
  if (proxy_get_property(path, textSize(path), out, out + 4) == Status.Ok)
    writeBytes(load<usize>(out), load<u32>(out, 4));
  writeByte(0);
}
