import type { Redirect } from "../host.ts";
import type { HeaderMap } from "./header-map.ts";

/** Where a request is sent instead. `prefix` is what the route matched by. */
export function redirectTarget(redirect: Redirect, prefix: string | undefined, headers: HeaderMap): string {
  const scheme = redirect.schemeRedirect ?? (redirect.httpsRedirect ? "https" : (headers.get(":scheme") ?? ""));
  const port = redirect.portRedirect === undefined ? "" : `:${redirect.portRedirect}`;
  const host = redirect.hostRedirect ?? hostOf(headers, scheme, port !== "");
  return `${scheme}://${host}${port}${pathOf(redirect, prefix, headers.get(":path") ?? "")}`;
}

/** The request's host; its port goes when another takes its place, or when it was only the scheme's own that is left. */
function hostOf(headers: HeaderMap, scheme: string, hasNewPort: boolean): string {
  const authority = headers.get(":authority") ?? "";
  const [, host, port] = /^(\[.*\]|[^[].*?):([^:\]]*)$/.exec(authority) ?? [];
  if (host === undefined) return authority;
  const protocol = headers.get("x-forwarded-proto");
  const wasDefault = (protocol === "https" && port === "443") || (protocol === "http" && port === "80");
  return hasNewPort || (scheme !== protocol && wasDefault) ? host : authority;
}

function pathOf(
  { pathRedirect, prefixRewrite, stripQuery }: Redirect,
  prefix: string | undefined,
  path: string,
): string {
  if (pathRedirect?.includes("?") === true) return pathRedirect;
  const mark = path.indexOf("?");
  const [plain, query] = mark < 0 ? [path, ""] : [path.slice(0, mark), path.slice(mark)];
  const target =
    pathRedirect ?? (prefixRewrite === undefined ? plain : prefixRewrite + plain.slice((prefix ?? plain).length));
  return stripQuery === true ? target : target + query;
}
