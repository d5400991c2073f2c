import { BufferType } from "../abi/enums";
import { currentContext } from "../context/callback";
import { streamRecord } from "../context/streams";

/** What the SDK remembers of one body of a stream: bits of one byte in the stream's record. */
export const enum BodyState {
  /** The filter wants the whole body, and it is not complete. */
  Collecting = 1,
  /** Headers are held until the body has been handled. */
  HoldsHeaders = 2,
  /** The filter may change the body: `content-length` is gone or will be corrected. */
  Changeable = 4,
  /** The filter has changed the body. */
  Changed = 8,
  /** A longer body is answered by an error. */
  Rejects = 16,
  /** Of a longer body the filter gets the first bytes. */
  Truncates = 32,
  /** The body was longer than the limit: the rest passes. */
  Passes = 64,
  /** The filter has had the body and holds it. */
  Waits = 128,
}

/** State of a body of the current stream; 0 outside of streams. */
export function bodyState(type: BufferType): u32 {
  const record = streamRecord(currentContext);
  return record == 0 ? 0 : load<u8>(record + type, 1);
}

export function setBodyState(type: BufferType, state: u32): void {
  const record = streamRecord(currentContext);
  if (record != 0) store<u8>(record + type, <u8>state, 1);
}

/** Most bytes of a body of the current stream that the filter wants. */
export function bodyLimit(type: BufferType): u32 {
  const record = streamRecord(currentContext);
  return record == 0 ? 0 : load<u32>(record + ((<usize>type) << 2), 4);
}

export function setBodyLimit(type: BufferType, limit: u32): void {
  const record = streamRecord(currentContext);
  if (record != 0) store<u32>(record + ((<usize>type) << 2), limit, 4);
}

/** Whether a body of the current stream may be changed; notes that it is. */
export function claimBodyChange(type: BufferType): bool {
  const state = bodyState(type);
  if ((state & BodyState.Changeable) == 0) return false;
  setBodyState(type, state | BodyState.Changed);
  return true;
}
