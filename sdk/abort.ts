import { proxy_log } from "./abi/imports";
import { currentCallback, currentContext } from "./context/callback";
import { LogLevel } from "./log/log";
import { beginBytes, writeByte, writeNumber, writeText, writtenBytes, writtenSize } from "./memory/byte-writer";

/**
 * What a failed check, an out-of-range index or `throw` ends in: one line in the proxy's log, then a trap. The stream is
 * answered by the proxy as its failure policy says.
 */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  beginBytes();
  writeText(message === null ? "aborted" : message);
  writeText(" at ");
  writeText(file === null ? "" : file);
  writeByte(0x3a);
  writeNumber(line);
  writeByte(0x3a);
  writeNumber(column);
  writeText(" in ");
  writeText(currentCallback);
  writeText(", context ");
  writeNumber(currentContext);
  proxy_log(LogLevel.Critical, writtenBytes(), writtenSize());
  unreachable();
}
