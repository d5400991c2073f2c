import { Conversation } from "../e2e/istio/conversation.ts";
import {
  translateRoutes,
  type EnvoyRoute,
  type RouteConfiguration,
  type TranslateRequest,
} from "../e2e/istio/translate.ts";
import { byIstio, byOwn } from "./named-translator.ts";
import { translate, translateCookies, type Json, type VirtualHost } from "./translation.ts";
import type { HttpRoute, Match } from "./virtual-service.ts";

/** Makes the virtual host that stands for the `http` of a VirtualService, for a listener at this port. */
export type Translator = (http: readonly HttpRoute[], port: number) => Promise<VirtualHost>;

export const istioTranslator = async () =>
  await byIstio(
    translateRoutes,
    (conversation): Translator =>
      async (http, port) =>
        await askIstio(conversation, http, port),
  );

export const ownTranslator = byOwn<Translator>(async (http, port) => translate(http, port));

/** Stands in what Istio is told for the cookies that it knows nothing of. */
const COOKIES = "x-stands-for-cookies";

/** Cookies and prefixes of whole segments, which Envoy has and a VirtualService has not, are put into Istio's routes. */
async function askIstio(
  conversation: Conversation<TranslateRequest, { routes: RouteConfiguration[] }>,
  http: readonly HttpRoute[],
  port: number,
): Promise<VirtualHost> {
  const matches = new Map<string, Match>();
  const named = http.map((route, at) => ({
    ...route,
    name: `${at}`,
    ...(route.match && {
      match: route.match.map((match, index) => {
        matches.set(`${at}.${index}`, match);
        return { ...forIstio(match), name: `${index}` };
      }),
    }),
  }));
  const { routes } = await conversation.ask({ resources: resourcesOf(named, port) });
  const { name, domains, routes: translated = [], ...others } = routes[0]!.virtual_hosts[0]!;
  return { ...others, name, domains, routes: translated.map((route) => complete(route, matches.get(route.name!))) };
}

function forIstio({ uri, cookies, headers, ...match }: Match): Match {
  const prefix = uri?.pathSeparatedPrefix;
  return {
    ...match,
    ...(uri && { uri: prefix === undefined ? uri : { prefix } }),
    ...((headers ?? cookies) && { headers: { ...headers, ...(cookies && { [COOKIES]: {} }) } }),
  };
}

function complete(route: EnvoyRoute, asked: Match | undefined): Json {
  const { name: _, match, ...others } = route;
  const { prefix, headers, ...rest } = match as { prefix?: string; headers?: { name: string }[] };
  const isOfSegments = asked?.uri?.pathSeparatedPrefix !== undefined;
  return {
    ...others,
    match: {
      ...rest,
      ...(prefix !== undefined && { [isOfSegments ? "path_separated_prefix" : "prefix"]: prefix }),
      ...(headers && { headers: headers.filter(({ name }) => name !== COOKIES) }),
      ...(asked?.cookies && { cookies: translateCookies(asked.cookies) }),
    },
  };
}

function resourcesOf(http: readonly HttpRoute[], port: number): string {
  const resource = (kind: string, name: string, spec: unknown) =>
    JSON.stringify({ apiVersion: "networking.istio.io/v1", kind, metadata: { name }, spec });
  const servers = [{ port: { number: port, name: "http", protocol: "HTTP" }, hosts: ["*"] }];
  return [
    resource("Gateway", "gateway", { selector: { istio: "ingressgateway" }, servers }),
    resource("VirtualService", "table", { hosts: ["*"], gateways: ["gateway"], http }),
    "", // Istio's reader loses a last line of 4,096 bytes, or twice as many, when it has no end.
  ].join("\n---\n");
}
