import { ByteView, currentTimeNs, destination, getPropertyAt, ProtobufWriter, request, source } from "@attache/sdk";
import { CheckedStream } from "../checked-stream";
import { Authorizer } from "./authorizer";
import { JoinedHeaders, utf8 } from "./joined-headers";

const SECOND: u64 = 1_000_000_000;

/** An `envoy.service.auth.v3.CheckRequest` about the request of `stream`. */
export function writeCheckRequest(stream: CheckedStream, authorizer: Authorizer): ByteView {
  const now = currentTimeNs();
  const time = new ProtobufWriter().uint64(1, now / SECOND).uint64(2, now % SECOND);
  const question = new ProtobufWriter().message(1, time).message(2, writeHttp(stream, authorizer));
  const from = new ProtobufWriter();
  if (stream.tellsAddress) writeAddress(from, "source\0address", source.port);
  writeBytes(from, 4, stream.principal);
  const to = new ProtobufWriter();
  writeAddress(to, "destination\0address", destination.port);
  const attributes = new ProtobufWriter().message(1, from).message(2, to).message(4, question);
  return new ProtobufWriter().message(1, attributes).written();
}

/** An `AttributeContext.HttpRequest`. */
function writeHttp(stream: CheckedStream, authorizer: Authorizer): ProtobufWriter {
  const headers = stream.headers!;
  const http = new ProtobufWriter();
  const joined = new JoinedHeaders(headers);
  writeBytes(http, 1, headers.getBytes("x-request-id"));
  writeBytes(http, 2, headers.getBytes(":method"));
  for (let index = 0; index < joined.names.length; index++) {
    const entry = new ProtobufWriter().bytes(1, utf8(joined.names[index])).bytes(2, joined.values[index]);
    http.message(3, entry);
  }
  writeBytes(http, 4, headers.getBytes(":path"));
  writeBytes(http, 5, headers.getBytes(":authority"));
  writeBytes(http, 6, headers.getBytes(":scheme"));
  const body = stream.bodyFor(authorizer);
  // As in Envoy: of what has come of the body.
  if (body !== null) http.int64(9, request.size);
  writeBytes(http, 10, getPropertyAt("request\0protocol"));
  if (body === null) return http;
  const isPartial = stream.isPartialFor(authorizer) ? "true" : "false";
  http.message(3, new ProtobufWriter().text(1, "x-envoy-auth-partial-body").text(2, isPartial));
  return authorizer.packsBytes ? http.bytes(12, body) : http.bytes(11, utf8(body));
}

/** The address of an `AttributeContext.Peer`. */
function writeAddress(peer: ProtobufWriter, path: string, port: i32): void {
  const text = getPropertyAt(path);
  if (text === null) return;
  const address = text.toString();
  const colon = address.lastIndexOf(":");
  const isBracketed = address.startsWith("[");
  const host = colon < 0 ? address : address.substring(isBracketed ? 1 : 0, isBracketed ? colon - 1 : colon);
  const socket = new ProtobufWriter().text(2, host);
  if (port >= 0) socket.uint32(3, port);
  peer.message(1, new ProtobufWriter().message(1, socket));
}

function writeBytes(message: ProtobufWriter, field: u32, value: ByteView | null): void {
  if (value !== null && value.length > 0) message.bytes(field, utf8(value));
}
