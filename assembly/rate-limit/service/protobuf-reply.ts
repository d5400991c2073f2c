import { ByteView, ProtobufReader } from "@attache/sdk";
import { HeaderFields } from "../header-fields";
import { ServiceCode, ServiceReply, ServiceStatus } from "./service-reply";

/** A reply that is no protobuf message has the code `Unknown`. */
export function readProtobufReply(bytes: ByteView): ServiceReply {
  const reply = new ServiceReply();
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field == 1) reply.code = reader.int32();
    else if (reader.field == 2) readStatus(reader.message(), reply.addStatus());
    else if (reader.field == 3) readField(reader.message(), reply.responseFields);
    else if (reader.field == 4) readField(reader.message(), reply.requestFields);
    else if (reader.field == 5) reply.body = reader.text();
  }
  if (!reader.isValid || <u32>reply.code > <u32>ServiceCode.OverLimit) reply.code = ServiceCode.Unknown;
  return reply;
}

function readStatus(reader: ProtobufReader, status: ServiceStatus): void {
  while (reader.next()) {
    if (reader.field == 1) status.code = reader.int32();
    else if (reader.field == 2) readLimit(reader.message(), status);
    else if (reader.field == 3) status.remaining = reader.uint32();
    else if (reader.field == 4) readReset(reader.message(), status);
  }
}

function readLimit(reader: ProtobufReader, status: ServiceStatus): void {
  while (reader.next()) {
    if (reader.field == 1) status.perUnit = reader.uint32();
    else if (reader.field == 2) status.unit = reader.int32();
    else if (reader.field == 3) status.name = reader.text();
  }
}

function readReset(reader: ProtobufReader, status: ServiceStatus): void {
  while (reader.next()) {
    if (reader.field == 1) status.addReset(reader.uint64(), 0);
    else if (reader.field == 2) status.addReset(0, reader.uint32());
  }
}

/** An `envoy.config.core.v3.HeaderValue`. */
function readField(reader: ProtobufReader, fields: HeaderFields): void {
  let name = "";
  let value = "";
  while (reader.next()) {
    if (reader.field == 1) name = reader.text();
    else if (reader.field == 2 || reader.field == 3) value = reader.text();
  }
  fields.addForeign(name, value);
}
