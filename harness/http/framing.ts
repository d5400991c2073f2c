import type { HeaderMap } from "./header-map.ts";

const bodilessMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE", "TRACE", "CONNECT"]);

/**
 * Names and values of a request as HTTP/1.1 sends them, without pseudo headers: what Envoy's codec adds so that the end
 * of the body can be found.
 */
export function frameRequest(headers: HeaderMap, hasBody: boolean): string[] {
  const lines = plainHeaders(headers);
  if (headers.has("content-length")) return lines;
  if (hasBody) lines.push("transfer-encoding", "chunked");
  else if (!bodilessMethods.has(headers.get(":method") ?? "")) lines.push("content-length", "0");
  return lines;
}

/** As {@link frameRequest}, for the response to a request with this method. */
export function frameResponse(headers: HeaderMap, endStream: boolean, isHeadRequest: boolean): string[] {
  const lines = plainHeaders(headers, "host");
  if (headers.has("content-length")) return lines;
  const status = Number(headers.get(":status"));
  const hasNoBody = status < 200 || status === 204;
  if (endStream) {
    if (hasNoBody || status === 304) return lines;
    if (isHeadRequest) lines.push("transfer-encoding", "chunked");
    else lines.push("content-length", "0");
  } else if (!hasNoBody) {
    lines.push("transfer-encoding", "chunked");
  }
  return lines;
}

/** Why a client of HTTP/1.1 cannot make sense of this response; Envoy sends it all the same. */
export function flawOfResponse(headers: HeaderMap): string | null {
  const status = Number(headers.get(":status"));
  if (status < 200 || status > 999) return `${status} is no status of a final response`;
  if (headers.has("")) return "a header has no name";
  const invalid = headers.isSuspect ? headers.firstInvalid() : null;
  return invalid === null ? null : `the ${invalid.part} of the header ${JSON.stringify(invalid.name)} is invalid`;
}

/** What makes trailers unreadable, or `null`. Envoy sends them as they are, pseudo headers too. */
export function flawOfTrailers(trailers: HeaderMap): string | null {
  const name = trailers.list().find(([key]) => key === "" || key.startsWith(":"))?.[0];
  return name === undefined ? null : `a trailer cannot be named ${JSON.stringify(name)}`;
}

/** Without pseudo headers; of a response, Envoy writes `:authority` under another name. */
function plainHeaders(headers: HeaderMap, authorityAs: string | null = null): string[] {
  const { entries } = headers;
  const lines: string[] = [];
  for (let i = 0; i < entries.length; i += 2) {
    const name = entries[i] === ":authority" && authorityAs !== null ? authorityAs : entries[i]!;
    if (!name.startsWith(":")) lines.push(name, trimmed(entries[i + 1]!));
  }
  return lines;
}

/** As whoever receives it reads a value: without spaces around it. */
export function trimmed(value: string): string {
  const first = value.charCodeAt(0);
  const last = value.charCodeAt(value.length - 1);
  const isTrimmed = first !== 32 && first !== 9 && last !== 32 && last !== 9;
  return isTrimmed ? value : value.replace(/^[ \t]+|[ \t]+$/g, "");
}
