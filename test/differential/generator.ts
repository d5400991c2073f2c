import type { Dice } from "../conformance/dice.ts";
import { destinations } from "./proxy.ts";
import type { HeaderOperations, Headers, HttpRoute, Match, Redirect, StringMatch } from "./virtual-service.ts";

/** One request, as it is sent to both sides. */
export interface Request {
  method: string;
  path: string;
  headers: [string, string][];
}

const paths = [
  "/",
  "/a",
  "/A",
  "/api",
  "/apiary",
  "/api/",
  "/api/v1",
  "/API/v1/x",
  "/api//x",
  "/b/one/two/one",
  "/é%20",
];
const queries = ["", "", "", "?x=1", "?x=2&y", "?x=&x=1", "?y=1&x=ab", "?x", "?", "?a=/api?x=1"];
const names = ["x-a", "x-b", "x-c", "end-user"];
const values = ["", "a", "A", "ab", "abc", "vip", "gold", "a,b", "ü", "1.2"];
const authorities = ["shop.example", "shop.example:8080", "api.example", "a", "[::1]:80", "[::1]"];
const origins = ["https://a.example", "https://b.example", "null", ""];

/** @param port of the listener that the table is for */
export function randomTable(dice: Dice, port: number): HttpRoute[] {
  // Some are long enough for many regular expressions of one thing.
  return dice.list(1, dice.chance(0.1) ? 60 : 10, () => randomRoute(dice, port));
}

export function randomRequest(dice: Dice): Request {
  const headers: [string, string][] = [["host", randomAuthority(dice)]];
  for (const name of dice.some(names, 0.4)) {
    headers.push([name, dice.of(values)]);
    if (dice.chance(0.1)) headers.push([name, dice.of(values)]);
  }
  for (const cookies of dice.list(0, 2, () => randomCookies(dice))) headers.push(["cookie", cookies]);
  if (dice.chance(0.2)) headers.push(["origin", dice.of(origins)]);
  if (dice.chance(0.2)) headers.push(["access-control-request-method", dice.of(["PUT", ""])]);
  if (dice.chance(0.1)) headers.push(["access-control-request-headers", dice.of(["x-a,x-z", ""])]);
  if (dice.chance(0.02)) headers.push(["x-respond", dice.of(["503", "429", "500"])]);
  return {
    method: dice.of(["GET", "GET", "POST", "OPTIONS"]),
    path: Buffer.from(dice.of(paths)).toString("latin1") + dice.of(queries),
    headers: headers.map(([name, value]) => [name, Buffer.from(value).toString("latin1")]),
  };
}

function randomAuthority(dice: Dice): string {
  const authority = dice.of(authorities);
  return dice.chance(0.05) ? authority.toUpperCase() : authority;
}

function randomCookies(dice: Dice): string {
  return dice
    .list(1, 3, () => `${dice.of(["user", "group", "users"])}=${dice.of(["a", "vip", "abc", '"a"'])}`)
    .join("; ");
}

function randomRoute(dice: Dice, port: number): HttpRoute {
  const match = dice.chance(0.05) ? undefined : dice.list(1, 3, () => randomMatch(dice, port));
  const hasPrefix = match?.every(({ uri }) => uri?.prefix !== undefined || uri?.pathSeparatedPrefix !== undefined);
  const action = randomAction(dice, hasPrefix ?? false);
  // Istio refuses an authority that is said twice.
  const setsAuthority = action.rewrite?.authority === undefined;
  return {
    ...(match === undefined ? {} : { match }),
    ...(dice.chance(0.5) ? { headers: randomHeaders(dice, setsAuthority) } : {}),
    ...(dice.chance(0.25) ? { corsPolicy: randomCors(dice) } : {}),
    ...action,
  };
}

function randomAction(dice: Dice, hasPrefix: boolean): HttpRoute {
  if (dice.chance(0.15)) return { redirect: randomRedirect(dice, hasPrefix) };
  if (dice.chance(0.1)) {
    const status = dice.of([200, 204, 403, 503]);
    return {
      directResponse: { status, ...(status === 204 ? {} : { body: { string: dice.of(["", "direct", "ä"]) } }) },
    };
  }
  return {
    route: randomDestinations(dice),
    ...(dice.chance(0.4) ? { rewrite: randomRewrite(dice) } : {}),
    ...(dice.chance(0.3) ? { timeout: dice.of(["5s", "12.500s", "60s"]) } : {}),
    ...(dice.chance(0.3) ? { retries: randomRetries(dice) } : {}),
  };
}

/** Of several, one has all the weight, or all are the same, so that what a client sees is not left to chance. */
function randomDestinations(dice: Dice): NonNullable<HttpRoute["route"]> {
  const random = () => ({
    destination: dice.of(destinations),
    ...(dice.chance(0.3) ? { headers: randomHeaders(dice) } : {}),
  });
  if (dice.chance(0.1)) {
    const same = random();
    return dice.list(2, 3, () => ({ ...same, weight: dice.of([1, 20, 100]) }));
  }
  const all = dice.list(1, 3, random);
  if (all.length === 1) return dice.chance(0.2) ? [{ ...all[0]!, weight: dice.of([1, 100]) }] : all;
  const heavy = Math.floor(dice.next() * all.length);
  return all.map((entry, index) => ({ ...entry, weight: index === heavy ? 100 : 0 }));
}

function randomMatch(dice: Dice, port: number): Match {
  const named = (all: readonly string[], texts: readonly string[]) =>
    Object.fromEntries(dice.list(1, 2, () => [dice.of(all), randomString(dice, texts)]));
  return {
    ...(dice.chance(0.7) ? { uri: randomUri(dice) } : {}),
    ...(dice.chance(0.2) ? { ignoreUriCase: true } : {}),
    ...(dice.chance(0.15) ? { method: randomString(dice, ["GET", "POST", "OPTIONS"]) } : {}),
    ...(dice.chance(0.1) ? { scheme: randomString(dice, ["http", "https"]) } : {}),
    ...(dice.chance(0.2) ? { authority: randomString(dice, authorities) } : {}),
    ...(dice.chance(0.4) ? { headers: named(names, values) } : {}),
    ...(dice.chance(0.2) ? { withoutHeaders: named(names, values) } : {}),
    ...(dice.chance(0.2) ? { queryParams: named(["x", "y", "a"], ["", "1", "2", "ab"]) } : {}),
    ...(dice.chance(0.06) ? { port: dice.of([port, port, 1]) } : {}),
    ...(dice.chance(0.15) ? { cookies: named(["user", "group"], ["a", "vip", "abc"]) } : {}),
  };
}

function randomUri(dice: Dice): StringMatch {
  if (dice.chance(0.15)) return { pathSeparatedPrefix: dice.of(["/api", "/a", "/API/v1", "/b/one"]) };
  const uri = randomString(dice, paths);
  return uri.prefix === "" ? { prefix: "/" } : uri;
}

function randomString(dice: Dice, texts: readonly string[]): StringMatch {
  const text = dice.of(texts);
  if (dice.chance(0.45)) return { exact: text };
  if (dice.chance(0.5)) return { prefix: text.slice(0, dice.of([1, 2, 4, 9])) || "a" };
  const literal = text.replace(/[[\].?*+|()^$\\]/g, "\\$&");
  return dice.of([{ regex: `${literal}.*` }, { regex: dice.of(regexes) }, { regex: `(?i)${literal}` }, {}]);
}

const regexes = [
  "[a-c/].*",
  "(a|ab|/a)[^/]*",
  ".*",
  "\\S+",
  "^/[^/]*$",
  ".*\\b(api|one)\\b.*",
  "(/\\w+)+/?",
  "[^2]*",
  "a?b*",
];

function randomHeaders(dice: Dice, setsAuthority = true): Headers {
  return {
    ...(dice.chance(0.7) ? { request: randomRequestOperations(dice, setsAuthority) } : {}),
    ...(dice.chance(0.7) ? { response: randomOperations(dice) } : {}),
  };
}

function randomOperations(dice: Dice): HeaderOperations {
  const all = [...names, "x-up", "X-Mixed"];
  const pairs = () =>
    Object.fromEntries(dice.list(1, 2, () => [dice.of(all), dice.of(["1", "two", "a,b", "ü", "50%% off"])]));
  return {
    ...(dice.chance(0.6) ? { set: pairs() } : {}),
    ...(dice.chance(0.6) ? { add: pairs() } : {}),
    ...(dice.chance(0.5) ? { remove: dice.list(1, 2, () => dice.of(all)) } : {}),
  };
}

/** Now and then they set the authority, once. */
function randomRequestOperations(dice: Dice, setsAuthority: boolean): HeaderOperations {
  const operations = randomOperations(dice);
  if (!setsAuthority || dice.chance(0.8)) return operations;
  const by = dice.of(["set", "add"] as const);
  const authority = { [dice.of(["host", "Host", ":authority"])]: dice.of(["by-header.example", "h:81", ""]) };
  return { ...operations, [by]: { ...operations[by], ...authority } };
}

function randomRewrite(dice: Dice): NonNullable<HttpRoute["rewrite"]> {
  const authority = dice.chance(0.4) ? { authority: dice.of(["internal.example", "x:81"]) } : {};
  const regexes = [
    { match: "^/api/(.*)$", rewrite: "/v2/\\1" },
    { match: "one", rewrite: "[\\0]" },
    { match: "(/)([^/]*)", rewrite: "\\1\\2\\\\" },
    { match: "/a*", rewrite: "/-" },
    { match: "p*", rewrite: "/" },
    { match: "$", rewrite: "/end" },
    { match: "(?i)(a)(p)?", rewrite: "<\\2\\1>" },
    { match: "/(|p)*", rewrite: "/-\\1" },
    { match: "/(a|)*(p|)*?", rewrite: "/<\\1\\2>" },
  ];
  if (dice.chance(0.4)) return { ...authority, uriRegexRewrite: dice.of(regexes) };
  return {
    ...authority,
    ...(dice.chance(0.8) ? { uri: dice.of(["/", "/new", "/v2/"]) } : { authority: "only.example" }),
  };
}

function randomRedirect(dice: Dice, hasPrefix: boolean): Redirect {
  const path = dice.of([
    {},
    { uri: "/new" },
    { uri: "/new?fixed=1" },
    ...(hasPrefix ? [{ prefixRewrite: "/moved" }, { prefixRewrite: "/" }] : []),
  ]);
  const redirect: Redirect = {
    ...path,
    ...(dice.chance(0.4) ? { authority: "other.example" } : {}),
    ...dice.of<Redirect>([
      {},
      {},
      { port: dice.of([80, 443, 8443]) },
      { derivePort: dice.of(["FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"] as const) },
    ]),
    ...(dice.chance(0.5) ? { scheme: dice.of(["http", "https"] as const) } : {}),
    ...(dice.chance(0.5) ? { redirectCode: dice.of([301, 302, 303, 307, 308]) } : {}),
  };
  // The filter refuses one that leads back to where the request came.
  const { redirectCode, derivePort, ...target } = redirect;
  return Object.keys(target).length === 0 ? { ...redirect, scheme: "https" } : redirect;
}

function randomRetries(dice: Dice): NonNullable<HttpRoute["retries"]> {
  // Istio takes nothing else beside 0.
  if (dice.chance(0.3)) return { attempts: 0 };
  return {
    attempts: dice.of([1, 2]),
    ...(dice.chance(0.6) ? { retryOn: dice.of(["5xx", "gateway-error,429", "500", "retriable-4xx,cancelled"]) } : {}),
    ...(dice.chance(0.3) ? { perTryTimeout: "2s" } : {}),
  };
}

function randomCors(dice: Dice): NonNullable<HttpRoute["corsPolicy"]> {
  return {
    allowOrigins: dice.of([
      [{ exact: "https://a.example" }],
      [{ prefix: "https://" }],
      [{ regex: ".*b.*" }],
      [{ exact: "*" }],
      [],
    ]),
    ...(dice.chance(0.5) ? { allowMethods: dice.of([["GET", "PUT"], ["*"]]) } : {}),
    ...(dice.chance(0.5) ? { allowHeaders: dice.of([["x-a", "x-b"], ["*"], ["*", "x-a"]]) } : {}),
    ...(dice.chance(0.5) ? { exposeHeaders: ["x-c"] } : {}),
    ...(dice.chance(0.5) ? { maxAge: "600s" } : {}),
    ...(dice.chance(0.5) ? { allowCredentials: true } : {}),
    ...(dice.chance(0.5) ? { unmatchedPreflights: dice.of(["FORWARD", "IGNORE"] as const) } : {}),
  };
}
