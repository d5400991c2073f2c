import type { Dice } from "../../conformance/dice.ts";
import { peers, type Peer } from "./identities.ts";
import type { Condition, JwtRule, Operation, Policy, Rule, Source, Table } from "./policy.ts";

/** One request; every character is a byte. */
export interface Request {
  method: string;
  target: string;
  headers: [string, string][];
}

/** What a client sends over one connection. */
export interface Client {
  peer: Peer;
  serverName: string;
  requests: Request[];
}

export const namespaces = ["default", "foo", "foo-bar", "prod"];
const accounts = ["sleep", "httpbin", "s.a", "sxa"];
const domains = ["cluster.local", "td1", "td1.example", "td"];
const principals = Object.values(peers).flatMap((names) =>
  (names ?? []).map(({ value }) => value.replace(/^\w+:\/\//, "")),
);
const hosts = [
  "shop.example",
  "shop.example:8080",
  "api.shop.example",
  "SHOP.example",
  "shop.example.",
  "[::1]:80",
  "shop",
];
const methods = ["GET", "GET", "GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
const paths = [
  "/",
  "/info",
  "/info/",
  "/INFO",
  "/information",
  "/public",
  "/public/a.txt",
  "/private",
  "/private/x",
  "/admin/temp",
  "/admin/",
  "/store//cart",
  "/store/a/b/cart",
  "/store/cart",
  "/foo/b/bar/c.txt",
  "/foo//bar/c.txt",
  "/a-b/~c_d",
  "/*/x",
  "/{x}",
];
const templates = [
  "/admin/{**}",
  "/foo/{*}/bar/{**}",
  "/store/{**}/cart",
  "/{*}",
  "/{**}",
  "/{*}/a.txt",
  "/public/{*}",
  "/{*}/x",
];
const headerNames = ["x-a", "X-Role", "x-b", "host", ":method", ":authority", "cookie"];
const headerValues = ["admin", "a", "ab", "A", "user", "a,admin", "admin,a", "a, admin", "1.2", "", "b*", "user admin"];
const addresses = [
  "10.0.0.1",
  "10.1.2.3",
  "192.168.1.1",
  "2001:db8::1",
  "::1",
  "127.0.0.1",
  "::ffff:10.0.0.1",
  "0.0.0.0",
];
const blocks = [
  "10.0.0.0/8",
  "10.0.0.1",
  "192.168.0.0/16",
  "2001:db8::/32",
  "::/0",
  "0.0.0.0/0",
  "127.0.0.1",
  "10.1.2.3/31",
];
const serverNames = ["shop.example", "api.shop.example", "other.example", ""];

/** @param port where the proxy listens */
export function randomTable(dice: Dice, port: number, jwtRules: JwtRule[]): Table {
  const usesPeerAddress = dice.chance(0.2);
  const context = { port, usesPeerAddress, tokens: jwtRules.length > 0 };
  return {
    policies: dice.list(1, 4, (index) => randomPolicy(dice, `p${index}`, context)),
    jwtRules,
    tls: dice.chance(0.75),
    normalizesPath: dice.chance(0.5),
    pathNormalization: dice.of(["none", "base", "base", "base", "mergeSlashes", "decodeAndMergeSlashes"]),
    multiValue: dice.of(["strict", "strict", "istio"]),
    usesPeerAddress,
  };
}

/** @param tokens locations and values of tokens that requests can have */
export function randomClient(
  dice: Dice,
  table: Table,
  requests: number,
  addToken: (request: Request) => unknown = () => {},
): Client {
  const peer = table.tls ? dice.of(Object.keys(peers) as Peer[]) : "none";
  const serverName = table.tls ? dice.of(serverNames) : "";
  return {
    peer,
    serverName,
    requests: dice.list(requests, requests, () => {
      const request = randomRequest(dice, table);
      addToken(request);
      return request;
    }),
  };
}

interface Context {
  port: number;
  usesPeerAddress: boolean;
  tokens: boolean;
}

function randomPolicy(dice: Dice, name: string, context: Context): Policy {
  const action = dice.of(["ALLOW", "ALLOW", "ALLOW", "DENY", "DENY", "AUDIT"] as const);
  const isDryRun = action !== "AUDIT" && dice.chance(0.2);
  const least = action === "ALLOW" && dice.chance(0.05) ? 0 : 1;
  const rules = dice.list(least, least * 4, () => randomRule(dice, context));
  return { name, action, ...(isDryRun ? { isDryRun } : {}), rules };
}

function randomRule(dice: Dice, context: Context): Rule {
  return {
    ...(dice.chance(0.45) ? { from: dice.list(1, 2, () => ({ source: randomSource(dice, context) })) } : {}),
    ...(dice.chance(0.65) ? { to: dice.list(1, 3, () => ({ operation: randomOperation(dice, context) })) } : {}),
    ...(dice.chance(0.4) ? { when: dice.list(1, 2, () => randomCondition(dice, context)) } : {}),
  };
}

function randomSource(dice: Dice, context: Context): Source {
  const source: Source = {};
  const fields = [
    ["principals", "Principals", () => peerRule(dice)],
    ["namespaces", "Namespaces", () => namespaceRule(dice)],
    ["trustDomains", "TrustDomains", () => trustDomainRule(dice)],
    ["remoteIpBlocks", "RemoteIpBlocks", () => dice.of(blocks)],
    ...(context.usesPeerAddress ? [["ipBlocks", "IpBlocks", () => dice.of(blocks)] as const] : []),
    ...(context.tokens ? [["requestPrincipals", "RequestPrincipals", () => principalRule(dice)] as const] : []),
  ] as const;
  if (dice.chance(0.25)) {
    addPair(dice, source, "serviceAccounts", "ServiceAccounts", () =>
      dice.chance(0.5) ? dice.of(accounts) : `${dice.of(namespaces)}/${dice.of(accounts)}`,
    );
    return source;
  }
  do for (const [name, suffix, value] of dice.some(fields, 0.3)) addPair(dice, source, name, suffix, value);
  while (Object.keys(source).length === 0);
  return source;
}

function randomOperation(dice: Dice, { port }: Context): Operation {
  const operation: Operation = {};
  const fields = [
    ["hosts", "Hosts", () => stringRule(dice, hosts)],
    ["ports", "Ports", () => dice.of([String(port), String(port), "80", "65535"])],
    ["methods", "Methods", () => stringRule(dice, methods)],
    ["paths", "Paths", () => pathRule(dice)],
    ["paths", "Paths", () => pathRule(dice)],
  ] as const;
  do for (const [name, suffix, value] of dice.some(fields, 0.4)) addPair(dice, operation, name, suffix, value);
  while (Object.keys(operation).length === 0);
  return operation;
}

function addPair(dice: Dice, into: Record<string, string[]>, name: string, suffix: string, value: () => string): void {
  const isPositive = dice.chance(0.75);
  if (isPositive) into[name] = dice.list(1, 3, value);
  if (!isPositive || dice.chance(0.1)) into[`not${suffix}`] = dice.list(1, 2, value);
}

function randomCondition(dice: Dice, { port, usesPeerAddress, tokens }: Context): Condition {
  const claims = () => stringRule(dice, ["admin", "dev", "read", "write", "web", "a b"]);
  const [key, value] = dice.of<readonly [string, () => string]>([
    ...headerNames.map((name) => [`request.headers[${name}]`, () => headerRule(dice, name)] as const),
    ["request.headers[x-a]", () => stringRule(dice, headerValues)],
    ["request.headers[x-role]", () => stringRule(dice, headerValues)],
    ["source.principal", () => peerRule(dice)],
    ["source.namespace", () => namespaceRule(dice)],
    ["source.serviceAccount", () => `${dice.of(namespaces)}/${dice.of(accounts)}`],
    ["source.trustDomain", () => trustDomainRule(dice)],
    ["remote.ip", () => dice.of(blocks)],
    ["destination.ip", () => dice.of(blocks)],
    ["destination.port", () => dice.of([String(port), "80"])],
    ["connection.sni", () => stringRule(dice, serverNames)],
    ["experimental.envoy.filters.demo[level]", () => stringRule(dice, ["high", "low", "highest"])],
    ...(usesPeerAddress ? [["source.ip", () => dice.of(blocks)] as const] : []),
    ...(tokens
      ? ([
          ["request.auth.principal", () => principalRule(dice)],
          ["request.auth.audiences", () => stringRule(dice, ["payments", "shop"])],
          ["request.auth.presenter", claims],
          ["request.auth.claims[groups]", claims],
          ["request.auth.claims[scope]", claims],
          ["request.auth.claims[realm][roles]", claims],
          ["request.auth.claims[a.b]", claims],
          ["request.auth.claims[level]", () => "1"],
        ] as const)
      : []),
  ]);
  const condition: Condition = { key };
  addPair(dice, condition as unknown as Record<string, string[]>, "values", "Values", value);
  return condition;
}

/** Istio's string rule for one of some texts, or for what is like it. */
function stringRule(dice: Dice, texts: readonly string[]): string {
  const text = dice.of(texts) || "a";
  const part = 1 + Math.floor(dice.next() * text.length);
  const kind = dice.next();
  if (kind < 0.45) return text;
  if (kind < 0.6) return `${text.slice(0, part)}*`;
  if (kind < 0.75) return `*${text.slice(-part)}`;
  if (kind < 0.85) return "*";
  if (kind < 0.9) return `*${text.slice(0, part)}*`;
  if (kind < 0.95) return `${text.slice(0, part)}*${text.slice(part)}`;
  return text.toUpperCase();
}

function headerRule(dice: Dice, name: string): string {
  if (name === ":method") return stringRule(dice, methods);
  return stringRule(dice, name === "host" || name === ":authority" ? hosts : headerValues);
}

function pathRule(dice: Dice): string {
  if (dice.chance(0.25)) return dice.of(templates);
  // Braces are for templates alone.
  const rule = stringRule(
    dice,
    paths.filter((path) => !path.includes("{")),
  );
  return rule === "*" || rule.startsWith("*") || rule.startsWith("/") ? rule : `/${rule}`;
}

/** Istio rewrites a trust domain with a `*` in it to its own and its aliases. */
function peerRule(dice: Dice): string {
  return stringRule(dice, principals).replace(/^([^/*]+)\*([^/]*\/)/, "$1$2");
}

function namespaceRule(dice: Dice): string {
  return dice.chance(0.7) ? dice.of(namespaces) : dice.of(["*", "f*", "*o", "fo*r", "d*t", "*foo*"]);
}

function trustDomainRule(dice: Dice): string {
  return dice.chance(0.6) ? dice.of(domains) : dice.of(["*", "td*", "*.local", "*example", "*l", "c*"]);
}

function principalRule(dice: Dice): string {
  const issuer = dice.of(["https://a.example", "https://b.example", "c"]);
  const subject = dice.of(["alice", "bob", "al/ice"]);
  return dice.of([
    "*",
    `${issuer}/${subject}`,
    `${issuer}/*`,
    `*/${subject}`,
    `${issuer}/al*`,
    "*alice",
    "https*",
    `*example/${subject}`,
    issuer,
  ]);
}

function randomRequest(dice: Dice, table: Table): Request {
  const headers: [string, string][] = [["host", randomHost(dice)]];
  for (const name of ["x-a", "x-role", "x-b"]) {
    if (!dice.chance(0.4)) continue;
    headers.push([dice.chance(0.1) ? name.toUpperCase() : name, randomValue(dice)]);
    while (dice.chance(0.15)) headers.push([name, randomValue(dice)]);
  }
  if (dice.chance(0.2)) headers.push(["cookie", dice.of(["a", "admin", "a=b; admin", "a=b,c"])]);
  if (dice.chance(0.03)) headers.push(["cookie", "admin"]);
  if (dice.chance(0.2)) headers.push(["x-level", dice.of(["high", "low", "highest"])]);
  if (!table.usesPeerAddress) {
    while (dice.chance(0.3)) headers.push(["x-forwarded-for", dice.chance(0.1) ? "x" : dice.of(addresses)]);
  }
  if (dice.chance(0.1)) {
    const orEmpty = (value: string) => (dice.chance(0.2) ? "" : value);
    headers.push(["origin", orEmpty("https://a.example")], ["access-control-request-method", orEmpty("PUT")]);
  }
  return { method: dice.of(methods), target: randomTarget(dice), headers };
}

function randomHost(dice: Dice): string {
  const host = dice.of(hosts);
  if (dice.chance(0.9)) return host;
  return dice.of([host.toUpperCase(), `${host}:443`, host.slice(1), "a", "*"]);
}

function randomValue(dice: Dice): string {
  const value = dice.of(headerValues);
  if (dice.chance(0.85)) return value;
  return dice.of([
    value.toUpperCase(),
    `${value}\xff`,
    `${value}\xc3\xa9`,
    `\t${value} `,
    `${value},`,
    `"${value}"`,
    `${value};q=1`,
    "\xff",
  ]);
}

function randomTarget(dice: Dice): string {
  let path = dice.of(paths);
  while (dice.chance(0.3)) path = mutate(dice, path);
  if (dice.chance(0.02)) return dice.of([`http://shop.example${path}`, `HTTP://api.shop.example${path}`, "*"]);
  return path + dice.of(["", "", "", "", "?", "?x=1", "?x=/../a", "?a=#b", "?x=%2e%2e/"]);
}

/** Other ways to write a path, or other paths that look like it. */
function mutate(dice: Dice, path: string): string {
  const at = Math.floor(dice.next() * (path.length + 1));
  const insert = (text: string) => path.slice(0, at) + text + path.slice(at);
  return dice.of([
    () => insert("/"),
    () => insert("/./"),
    () => insert(dice.of(["/../", "/%2e%2e/", "/.%2E/", "/..;/", "/..;x=1/"])),
    () => insert(dice.of(["%2f", "%5c", "%2F", "\\"])),
    () => insert(dice.of(["%00", "%25", "%", "%zz", "%2", "%e9", "%C3%A9"])),
    () => insert(dice.of(["\xff", "\xc3\xa9", "*", "+", "\x7f", "|"])),
    () => insert(dice.of([";", ";a=b", "#", "#frag", "."])),
    () => encodeOne(path, at, false),
    () => encodeOne(path, at, true),
    () => encodeOne(path, at, false).replace("%", "%25"),
    () => path.toUpperCase(),
    () => `${path}/..`,
    () => `/x/..${path}`,
  ])();
}

function encodeOne(path: string, at: number, isUpper: boolean): string {
  const index = Math.max(1, Math.min(at, path.length - 1));
  const hex = (path.charCodeAt(index) || 0x2f).toString(16).padStart(2, "0");
  return `${path.slice(0, index)}%${isUpper ? hex.toUpperCase() : hex}${path.slice(index + 1)}`;
}
