import { isFields } from "./fields.ts";
import type { Request } from "./request-file.ts";

/** What a request has of what rules compare. */
export interface Facts {
  request: Request;
  /** The client's address as filters see it. */
  sourceIp: string;
  /** Of the verified token; `null` without one. */
  claims: Record<string, unknown> | null;
}

/** What a field or key of a rule is compared with: several values, or none. */
export function foundFor(field: string, facts: Facts): string[] {
  const [, kind, name] = /^([^[]+)(?:\[(.*)\])?$/s.exec(field) ?? [];
  const base = kind?.replace(/^not_?/, "").replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const plain = name === undefined && base !== undefined ? base.charAt(0).toLowerCase() + base.slice(1) : kind!;
  const { request, claims, sourceIp } = facts;
  switch (plain) {
    case "principals":
    case "namespaces":
    case "serviceAccounts":
    case "trustDomains":
    case "source.principal":
    case "source.namespace":
    case "source.serviceAccount":
    case "source.trustDomain":
      return listOf(request.principal);
    case "ipBlocks":
    case "remoteIpBlocks":
    case "source.ip":
    case "remote.ip":
      return [sourceIp];
    case "destination.ip":
      return [request.destinationIp];
    case "ports":
    case "destination.port":
      return [String(request.destinationPort)];
    case "hosts":
      return [request.headers[0]![1]];
    case "methods":
      return [request.method];
    case "paths":
      return [request.path.replace(/[?#].*$/s, "")];
    case "connection.sni":
      return listOf(request.serverName);
    case "requestPrincipals":
    case "request.auth.principal":
      return claims === null ? [] : [`${textOf(claims["iss"])}/${textOf(claims["sub"])}`];
    case "request.auth.audiences":
      return claimValues(claims, ["aud"]);
    case "request.auth.presenter":
      return claimValues(claims, ["azp"]);
    case "request.auth.claims":
      return claimValues(claims, name!.split("]["));
    case "request.headers":
      return headerValues(request, name!.toLowerCase());
    case "request.query":
      return new URLSearchParams(/\?([^#]*)/.exec(request.path)?.[1] ?? "").getAll(name!);
    case "request.cookies":
      return cookies(request, name!);
    default: {
      const filter = kind!.replace(/^experimental\./, "");
      return listOf(request.metadata[filter]?.[name ?? ""] ?? null);
    }
  }
}

function listOf(value: string | null): string[] {
  return value === null ? [] : [value];
}

function claimValues(claims: unknown, path: readonly string[]): string[] {
  let value = claims;
  for (const name of path) value = isFields(value) ? value[name] : undefined;
  if (value === undefined || value === null) return [];
  return [value].flat().map(textOf);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? "");
}

function headerValues({ method, path, isHttps, headers }: Request, name: string): string[] {
  const pseudo: Record<string, string> = { ":method": method, ":path": path, ":scheme": isHttps ? "https" : "http" };
  const value = pseudo[name];
  if (value !== undefined) return [value];
  const wanted = name === ":authority" ? "host" : name;
  return headers.filter(([other]) => other === wanted).map(([, text]) => text);
}

function cookies({ headers }: Request, name: string): string[] {
  return headers
    .filter(([header]) => header === "cookie")
    .flatMap(([, value]) => value.split(";").map((cookie) => cookie.trim()))
    .filter((cookie) => cookie.startsWith(`${name}=`))
    .map((cookie) => cookie.slice(name.length + 1));
}
