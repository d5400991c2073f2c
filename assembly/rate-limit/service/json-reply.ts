import { ByteView, JsonDocument, JsonNode } from "@attache/sdk";
import { HeaderFields } from "../header-fields";
import { leadingNumber } from "../leading-number";
import { ServiceCode, ServiceReply, ServiceStatus } from "./service-reply";
import { unitNames } from "./unit";

/** A reply that is no JSON, or another one, has the code `Unknown`. */
export function readJsonReply(bytes: ByteView): ServiceReply {
  const reply = new ServiceReply();
  const document = new JsonDocument();
  document.parse(bytes.start, bytes.length);
  const root = document.root;
  reply.code = codeOf(root.member("overallCode"));
  const statuses = root.member("statuses");
  let status = statuses.first;
  for (let left = statuses.count; left > 0; left--) {
    readStatus(status, reply.addStatus());
    status = status.next;
  }
  readFields(root.member("responseHeadersToAdd"), reply.responseFields);
  readFields(root.member("requestHeadersToAdd"), reply.requestFields);
  return reply;
}

function readStatus(node: JsonNode, status: ServiceStatus): void {
  const limit = node.member("currentLimit");
  status.code = codeOf(node.member("code"));
  status.perUnit = numberAt(limit.member("requestsPerUnit"));
  const unit = limit.member("unit");
  const units = unitNames();
  for (let index = 0; index < units.length; index++) if (unit.equals(units[index])) status.unit = index + 1;
  status.name = limit.member("name").text;
  status.remaining = numberAt(node.member("limitRemaining"));
  status.addReset(numberAt(node.member("durationUntilReset")), 0);
}

function codeOf(node: JsonNode): i32 {
  return node.equals("OK") ? ServiceCode.Ok : node.equals("OVER_LIMIT") ? ServiceCode.OverLimit : ServiceCode.Unknown;
}

/** The number that a value begins with, such as 51 in `"51.5s"`. */
function numberAt(node: JsonNode): u64 {
  return leadingNumber(ByteView.of(node.start, node.length));
}

function readFields(list: JsonNode, fields: HeaderFields): void {
  let field = list.first;
  for (let left = list.count; left > 0; left--) {
    fields.addForeign(field.member("key").text, field.member("value").text);
    field = field.next;
  }
}
