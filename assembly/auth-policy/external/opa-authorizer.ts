import {
  ByteView,
  CalloutOutcome,
  CalloutRefusal,
  CalloutRequest,
  CalloutResponse,
  ConfigReader,
  HttpCallout,
  JsonDocument,
  JsonKind,
  JsonNode,
  JsonWriter,
} from "@attache/sdk";
import { CheckedStream } from "../checked-stream";
import { Authorizer } from "./authorizer";
import { HeaderChanges } from "./header-changes";
import { MOST_BODY } from "./http-authorizer";
import { JoinedHeaders } from "./joined-headers";
import { writeParsedTarget } from "./parsed-target";
import { Verdict } from "./verdict";

/** The data API of Open Policy Agent: asks for a document, with the input and the results of its Envoy plugin. */
@final
export class OpaAuthorizer extends Authorizer {
  private readonly path: string;

  constructor(name: string, config: ConfigReader) {
    super(name, config);
    this.path = config.string("path", "/v1/data/envoy/authz/allow");
    if (!this.path.startsWith("/")) config.get("path").error("must begin with /");
  }

  ask(stream: CheckedStream): CalloutRefusal {
    const input = writeInput(stream, this);
    if (input === null) return CalloutRefusal.InvalidRequest;
    const request = new CalloutRequest(this.cluster, this.host, this.path, "POST")
      .header("content-type", "application/json")
      .bytes(input)
      .timeout(this.timeoutMs);
    const check = new OpaCheck(this, stream);
    check.send(request);
    return check.refusal;
  }
}


@final
class OpaCheck extends HttpCallout {
  constructor(
    private readonly authorizer: OpaAuthorizer,
    private readonly stream: CheckedStream,
  ) {
    super();
  }

  override onOutcome(outcome: CalloutOutcome, response: CalloutResponse): void {
    const isAnswer = outcome == CalloutOutcome.Ok && response.status == 200;
    if (isAnswer) this.stream.answered(this.authorizer, readResult(response));
    else this.stream.failed(this.authorizer);
  }
}

/** The input of OPA's Envoy plugin; `null` for a request that cannot be put so. */
function writeInput(stream: CheckedStream, authorizer: Authorizer): ByteView | null {
  const headers = stream.headers!;
  const joined = new JoinedHeaders(headers);
  const json = JsonWriter.begin(2048);
  json.beginObject().name("input").beginObject().name("attributes").beginObject();
  const principal = stream.principal;
  json.name("source").beginObject();
  if (principal !== null) json.name("principal").bytes(principal);
  json.endObject();
  json.name("request").beginObject().name("http").beginObject();
  json.name("method").string(headers.method).name("path").string(headers.path);
  json.name("host").string(headers.authority).name("scheme").string(headers.scheme);
  json.name("headers").beginObject();
  for (let index = 0; index < joined.names.length; index++) {
    json.nameBytes(joined.names[index]).bytes(joined.values[index]);
  }
  json.endObject();
  const body = stream.bodyFor(authorizer);
  if (body !== null) json.name("body").bytes(body);
  json.endObject().endObject().endObject();
  const target = headers.getBytes(":path");
  if (target === null || !writeParsedTarget(json, target)) return null;
  if (body !== null) json.name("truncated_body").bool(stream.isPartialFor(authorizer));
  const claims = stream.claims;
  if (claims !== null) json.name("jwt_payload").bytes(claims.encodedPayload.view);
  json.endObject().endObject();
  return json.end();
}

/** Reads `{"result": …}`: truth, or an object with `allowed`; a document that is not defined denies. `null` for all else. */
function readResult(response: CalloutResponse): Verdict | null {
  const document = new JsonDocument();
  const bytes = response.bytes(0, MOST_BODY);
  if (response.length > MOST_BODY || !document.parse(bytes.start, bytes.length)) return null;
  if (document.root.kind != JsonKind.Object) return null;
  const result = document.root.member("result");
  const verdict = new Verdict();
  if (result.isAbsent) return verdict;
  if (result.kind == JsonKind.Bool) {
    verdict.isAllowed = result.isTrue;
    return verdict;
  }
  const allowed = result.member("allowed");
  if (allowed.kind != JsonKind.Bool) return null;
  verdict.isAllowed = allowed.isTrue;
  const headers = result.member("headers");
  if (!readHeaders(headers, verdict.isAllowed ? verdict.toUpstream : verdict.toClient)) return null;
  if (verdict.isAllowed) {
    if (!readHeaders(result.member("response_headers_to_add"), verdict.toClient)) return null;
    return readNames(result.member("request_headers_to_remove"), verdict.removed) ? verdict : null;
  }
  const status = result.member("http_status");
  if (!status.isAbsent) verdict.status = <i32>status.i64;
  const body = result.member("body");
  if (body.kind == JsonKind.String) verdict.body = body.text;
  return verdict;
}

/** An object of texts, or of lists of texts. */
function readHeaders(node: JsonNode, into: HeaderChanges): bool {
  if (node.isAbsent) return true;
  if (node.kind != JsonKind.Object) return false;
  let name = node.first;
  for (let left = node.count; left > 0; left--) {
    const value = name.next;
    if (value.kind == JsonKind.String) into.addLine(name.text, value.text);
    else if (value.kind != JsonKind.Array) return false;
    for (let index = 0; value.kind == JsonKind.Array && index < value.count; index++) {
      const line = value.element(index);
      if (line.kind != JsonKind.String) return false;
      into.addLine(name.text, line.text);
    }
    name = value.next;
  }
  return true;
}

function readNames(node: JsonNode, into: string[]): bool {
  if (node.isAbsent) return true;
  if (node.kind != JsonKind.Array) return false;
  for (let index = 0; index < node.count; index++) {
    const name = node.element(index);
    if (name.kind != JsonKind.String) return false;
    into.push(name.text);
  }
  return true;
}
