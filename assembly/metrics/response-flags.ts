import { TextBuffer } from "./expression/text-buffer";

/** Envoy's short names, in the order of the bits of `response.flags` (`envoy/stream_info/stream_info.h`). */
const NAMES =
  "LH UH UT LR UR UF UC UO NR DI FI RL UAEX RLSE DC URX SI IH DPE UMSDR RFCF NFCF DT UPE NC OM DF DO DR UDO ";

/** Writes the flags as Envoy's access log shows them: `UF,URX`; `-` when there is none. */
export function writeResponseFlags(to: TextBuffer, flags: i64): TextBuffer {
  let at = 0;
  for (let bit = 0; flags >> bit != 0 && at < NAMES.length; bit++) {
    const isSet = ((flags >> bit) & 1) != 0;
    if (isSet && to.length > 0) to.writeByte(0x2c);
    for (; NAMES.charCodeAt(at) != 0x20; at++) if (isSet) to.writeByte(<u8>NAMES.charCodeAt(at));
    at++;
  }
  if (to.length == 0) to.writeByte(0x2d);
  return to;
}
