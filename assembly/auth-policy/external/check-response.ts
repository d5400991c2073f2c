import { ByteView, ProtobufReader } from "@attache/sdk";
import { HeaderAction, HeaderChanges } from "./header-changes";
import { Verdict } from "./verdict";

/**
 * Reads an `envoy.service.auth.v3.CheckResponse`; `null` for what is none, and for one that says nothing, contradicts itself
 * or asks for what a filter cannot do.
 */
export function readCheckResponse(bytes: ByteView): Verdict | null {
  const reader = new ProtobufReader(bytes);
  const verdict = new Verdict();
  let code = -1;
  let isDenied = false;
  let isOk = false;
  let isKnown = true;
  while (reader.next()) {
    if (reader.field == 1) {
      code = readCode(reader.message(), code);
    } else if (reader.field == 2) {
      isDenied = true;
      readDenied(reader.message(), verdict);
    } else if (reader.field == 3) {
      isOk = true;
      isKnown = readOk(reader.message(), verdict) && isKnown;
    }
  }
  if (!reader.isValid || !isKnown || (isOk && isDenied) || (code < 0 && !isOk && !isDenied)) return null;
  verdict.isAllowed = code <= 0 && !isDenied;
  return code > 0 && isOk ? null : verdict;
}

/** Of a `google.rpc.Status`. */
function readCode(reader: ProtobufReader, code: i32): i32 {
  code = max(code, 0);
  while (reader.next()) if (reader.field == 1) code = reader.int32();
  // One below zero is no code.
  return code < 0 ? i32.MAX_VALUE : code;
}

function readDenied(reader: ProtobufReader, verdict: Verdict): void {
  while (reader.next()) {
    if (reader.field == 1) {
      const status = reader.message();
      while (status.next()) if (status.field == 1) verdict.status = status.int32();
    } else if (reader.field == 2) readHeader(reader.message(), verdict.toClient, HeaderAction.AppendIfPresent);
    else if (reader.field == 3) verdict.body = reader.text();
  }
}

/** Whether all that it asks for can be done; metadata, which filters cannot set, is left out. */
function readOk(reader: ProtobufReader, verdict: Verdict): bool {
  let isKnown = true;
  while (reader.next()) {
    if (reader.field == 2) readHeader(reader.message(), verdict.toUpstream, HeaderAction.AppendIfPresent);
    else if (reader.field == 5) verdict.removed.push(reader.text());
    else if (reader.field == 6) readHeader(reader.message(), verdict.toClient, HeaderAction.Append);
    // The query that the policies decide about is not for the service to change.
    else if (reader.field == 7 || reader.field == 8) isKnown = false;
  }
  return isKnown;
}

/**
 * A `HeaderValueOption`.
 *
 * @param appending what the older `append: true` says
 */
function readHeader(reader: ProtobufReader, into: HeaderChanges, appending: HeaderAction): void {
  let name = "";
  let value = "";
  let action = into.usualAction;
  let append = -1;
  while (reader.next()) {
    if (reader.field == 1) {
      const header = reader.message();
      while (header.next()) {
        if (header.field == 1) name = header.text();
        else if (header.field == 2 || header.field == 3) value = header.text();
      }
    } else if (reader.field == 2) {
      const wrapper = reader.message();
      append = 0;
      while (wrapper.next()) if (wrapper.field == 1) append = i32(wrapper.bool());
    } else if (reader.field == 3) {
      const number = reader.int32();
      if (<u32>number > <u32>HeaderAction.SetIfPresent) into.isValid = false;
      action = <HeaderAction>number;
    }
  }
  if (append >= 0) action = append > 0 ? appending : HeaderAction.Set;
  into.add(name, value, action);
}
