import { writeProtobuf } from "../../../../harness/abi/protobuf.ts";
import type { Dice } from "../../../conformance/dice.ts";
import type { Request } from "../generator.ts";
import type { Provider } from "./provider.ts";
import { caseHeader, type Headers, type Script } from "./services.ts";

/** A request with what the service says of it. */
export interface Case {
  name: string;
  request: Request;
  body: string;
  script: Script;
}

const names = ["x-user", "x-group", "x-tenant", "x-a", "authorization", "cookie", "content-type"];
const patterns = [...names, "X-User", "x-*", "*-group", "set-cookie", "location", "www-authenticate"];

export function randomProvider(dice: Dice): Provider {
  const list = () => (dice.chance(0.6) ? dice.some(patterns, 0.3) : []);
  const optional = (name: string, value: string[]) => (value.length === 0 ? {} : { [name]: value });
  const common = {
    failOpen: dice.chance(0.3),
    ...(dice.chance(0.5) ? { statusOnError: dice.of([401, 403, 500, 503]) } : {}),
    ...(dice.chance(0.4)
      ? {
          includeRequestBodyInCheck: {
            maxRequestBytes: dice.of([1, 10, 1000]),
            allowPartialMessage: dice.chance(0.6),
            packAsBytes: dice.chance(0.3),
          },
        }
      : {}),
  };
  if (dice.chance(0.5)) return { kind: "grpc", ...common };
  return {
    kind: "http",
    ...common,
    ...(dice.chance(0.4) ? { pathPrefix: dice.of(["/check", "/a/b"]) } : {}),
    includeRequestHeadersInCheck: [caseHeader, ...list()],
    ...(dice.chance(0.3) ? { includeAdditionalHeadersInCheck: { "x-from": "mesh", "x-tenant": "fixed" } } : {}),
    // Of several lines for the request Envoy keeps the last, ours all: only cookies have several.
    ...optional(
      "headersToUpstreamOnAllow",
      list().filter((pattern) => pattern !== "set-cookie"),
    ),
    ...optional("headersToDownstreamOnAllow", list()),
    ...optional("headersToDownstreamOnDeny", list()),
  };
}

export function randomCase(dice: Dice, name: string, provider: Provider): Case {
  const headers: [string, string][] = [
    ["host", dice.of(["shop.example", "shop.example:8080"])],
    [caseHeader, name],
  ];
  for (const other of names) {
    if (!dice.chance(0.3)) continue;
    // Envoy does not append to an empty value but replaces it.
    headers.push([other, randomValue(dice) || (/^x-[ug]/.test(other) ? "1" : "")]);
    // Envoy appends to the first of several lines, ours behind the last.
    if (/^x-[at]/.test(other) && dice.chance(0.2)) headers.push([other, randomValue(dice)]);
  }
  const method = dice.of(["GET", "GET", "POST", "PUT", "DELETE"]);
  const hasBody = method === "POST" || method === "PUT";
  const target = dice.of(["/", "/a/b?c=d", "/a?", "/%2e/x", "/a;b", "//a"]);
  const body = hasBody ? dice.of(["", "x", "a longer body", "y".repeat(2000)]) : "";
  return { name, request: { method, target, headers }, body, script: randomScript(dice, provider.kind) };
}

function randomValue(dice: Dice): string {
  return dice.of(["1", "ann", "a,b", "Bearer x", "a b", ""]);
}

function randomHeaders(dice: Dice): Headers {
  const chosen = ["x-user", "x-group", "x-other", "set-cookie", "location", "www-authenticate"];
  return dice
    .some(chosen, 0.35)
    .flatMap((name) => dice.list(1, name === "set-cookie" ? 2 : 1, (index) => [name, `${name}-${index}`] as const));
}

function randomScript(dice: Dice, kind: Provider["kind"]): Script {
  const headers = randomHeaders(dice);
  const body = dice.of(["", "denied", "{}"]);
  if (kind === "http") {
    const status = dice.of([200, 200, 200, 401, 403, 302, 404, 500, 503]);
    return { status, headers, body, message: new Uint8Array(), grpcStatus: 0 };
  }
  const grpcStatus = dice.chance(0.1) ? dice.of([2, 7, 14]) : 0;
  return { status: 200, headers: [], body: "", message: randomCheckResponse(dice, headers, body), grpcStatus };
}

type Fields = Parameters<typeof writeProtobuf>[0];
const inner = (fields: Fields) => Buffer.from(writeProtobuf(fields)).toString("latin1");

/** A `CheckResponse`. */
function randomCheckResponse(dice: Dice, headers: Headers, body: string): Uint8Array {
  const isAllowed = dice.chance(0.5);
  // One way for all lines of a header: Envoy does what sets after what appends.
  const appends = new Map<string, Fields>();
  const option = ([name, value]: readonly [string, string]) => {
    const append = appends.get(name) ?? dice.of<Fields>([[], [[2, inner([[1, 1]])]], [[2, ""]]]);
    appends.set(name, append);
    return inner([[1, inner([[1, name], [2, value]])], ...append]); // prettier-ignore
  };
  if (!isAllowed) {
    const status = dice.chance(0.7) ? dice.of([401, 403, 404, 302]) : 0;
    const denied: Fields = [...(status === 0 ? [] : [[1, inner([[1, status]])] as Fields[number]]), ...headers.map((header): Fields[number] => [2, option(header)]), [3, body]]; // prettier-ignore
    return writeProtobuf([[1, inner([[1, dice.of([7, 16])]])], [2, inner(denied)]]); // prettier-ignore
  }
  const forRequest = headers.filter(([name]) => /^x-/.test(name)).map((header): Fields[number] => [2, option(header)]);
  const forResponse = headers
    .filter(([name]) => !/^x-/.test(name))
    .map((header): Fields[number] => [6, option(header)]);
  const removed = dice.some(["x-a", "x-tenant"], 0.3).map((name): Fields[number] => [5, name]);
  return writeProtobuf([[1, ""], [3, inner([...forRequest, ...removed, ...forResponse])]]); // prettier-ignore
}
