import { ByteBuffer } from "./byte-buffer.ts";
import { HeaderMap } from "./header-map.ts";
import type { HttpStream } from "./stream.ts";

/** An answer the proxy or a filter makes. */
export interface LocalReply {
  status: number;
  /** latin1. */
  body: string;
  /** Names and values in turn, added after `:status`. */
  headers: readonly string[];
  grpcStatus: number | null;
  details: string;
}

export interface ComposedReply {
  headers: HeaderMap;
  /** `null`: the headers are all. */
  body: ByteBuffer | null;
}

/** Headers and body of a local reply, in gRPC's shape when the request was gRPC. */
export function composeLocalReply(reply: LocalReply, stream: HttpStream): ComposedReply {
  const headers = new HeaderMap("responseHeaders");
  headers.append(":status", String(reply.status));
  for (let i = 0; i < reply.headers.length; i += 2)
    headers.addUnchecked(reply.headers[i]!.toLowerCase(), reply.headers[i + 1]!);
  headers.set(":status", String(reply.status));
  stream.info.responseCode = reply.status;
  if (stream.isGrpcRequest) {
    headers.set(":status", "200");
    headers.set("content-type", "application/grpc");
    if ((headers.get("grpc-status") ?? "") === "") {
      headers.set("grpc-status", String(reply.grpcStatus ?? grpcStatusOf(reply.status)));
    }
    if (reply.body !== "" && !stream.isHeadRequest) headers.set("grpc-message", percentEncode(reply.body));
    headers.remove("content-length");
    return { headers, body: null };
  }
  if (reply.body === "") {
    headers.remove("content-length");
    headers.remove("content-type");
    return { headers, body: null };
  }
  headers.set("content-length", String(reply.body.length));
  if (!headers.has("content-type")) headers.append("content-type", "text/plain");
  return { headers, body: stream.isHeadRequest ? null : ByteBuffer.of(Buffer.from(reply.body, "latin1")) };
}

/** Whether the content type of a request says gRPC; one with parameters does not. */
export function isGrpc(headers: HeaderMap): boolean {
  return /^application\/grpc(?:\+|$)/.test(headers.get("content-type") ?? "");
}

/** The gRPC status that stands for an HTTP status. */
export function grpcStatusOf(status: number): number {
  switch (status) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return 2;
  }
}

function percentEncode(text: string): string {
  return text.replace(
    /[^\x20-\x7e]|%/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
