import { eachHost } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";
import { startEmulator, type HostOptions } from "@attache/harness";

const module = new URL("build/plugin.wasm", import.meta.url);
const jwks = '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}';

/** A path that is denied, tokens of one issuer, and paths that must be normalised. */
function proxy(response: object): HostOptions {
  const configuration = {
    requestAuthentication: [{ jwtRules: [{ issuer: "https://issuer.example", jwks }] }],
    authorizationPolicies: [
      { name: "no entry", namespace: "shop", action: "DENY", rules: [{ to: [{ operation: { paths: ["/denied"] } }] }] },
    ],
    options: { rejectOnDifference: true },
    response,
  };
  return { plugins: [{ name: "auth-policy", module, configuration }], clusters: { app: () => ({ body: "app" }) } };
}

const denied = "RBAC: access denied";
const noToken = "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";
const oddPath = "Bad Request: path is not normalized";
const rule = "ns[shop]-policy[no entry]-rule[0]";

interface Answers {
  contentType?: string;
  denied?: { status?: number; body?: string };
  token?: string;
  path?: string;
  headers?: Record<string, string>;
}

eachHost("answers of auth-policy", (start) => {
  it.each<[string, object, Answers]>([
    ["by default", {}, {}],
    ["with a status", { status: 404 }, { denied: { status: 404 } }],
    [
      "with headers",
      { headers: { "X-Docs": "https://docs.example" } },
      { headers: { "x-docs": "https://docs.example" } },
    ],
    ["with a text", { body: { text: "go away" } }, { denied: { body: "go away" }, token: "go away", path: "go away" }],
    [
      "with a text of another type",
      { headers: { "content-type": "text/html" }, body: { text: "<p>no" } },
      { denied: { body: "<p>no" }, token: "<p>no", path: "<p>no", contentType: "text/html" },
    ],
    [
      "with JSON",
      { body: { json: '{"error":1}' } },
      { denied: { body: '{"error":1}' }, token: '{"error":1}', path: '{"error":1}', contentType: "application/json" },
    ],
    [
      "as a problem",
      { status: 451, body: { problem: true } },
      {
        denied: { status: 451, body: `{"status":451,"detail":"${denied}"}` },
        token: `{"status":401,"detail":"${noToken}"}`,
        path: `{"status":400,"detail":"${oddPath}"}`,
        contentType: "application/problem+json",
      },
    ],
  ])("%s", async (_name, response, expected) => {
    await using host = await start(proxy(response));
    const answers = [
      await host.fetch("/denied"),
      await host.fetch("/", { headers: { authorization: "Bearer x" } }),
      await host.fetch("/a/../b"),
    ];
    expect(answers.map(({ status }) => status)).toEqual([expected.denied?.status ?? 403, 401, 400]);
    expect(answers.map((answer) => answer.text())).toEqual([
      expected.denied?.body ?? denied,
      expected.token ?? noToken,
      expected.path ?? oddPath,
    ]);
    expect(answers[1]!.header("www-authenticate")).toMatch(/^Bearer realm=/);
    for (const answer of answers) {
      expect(answer.header("content-type")).toBe(expected.contentType ?? "text/plain");
      for (const [name, value] of Object.entries(expected.headers ?? {})) expect(answer.header(name)).toBe(value);
      expect(answer.header("x-denied-by")).toBe(null);
    }
    expect((await host.fetch("/")).text()).toBe("app");
  });

  it("tell what denied, if they shall", async () => {
    await using host = await start(proxy({ deniedByHeader: "x-denied-by" }));
    const deniedBy = async (path: string, headers = {}) => (await host.fetch(path, { headers })).header("x-denied-by");
    expect(await deniedBy("/denied")).toBe(rule);
    expect(await deniedBy("/", { authorization: "Bearer x" })).toBe(noToken);
    expect(await deniedBy("/a/../b")).toBe("path");
    expect(await deniedBy("/")).toBe(null);
  });

  it.each([
    [{}, "7"],
    [{ status: 404 }, "12"],
    [{ status: 404, grpcStatus: 5 }, "5"],
  ])("to gRPC clients, with %j", async (response, status) => {
    await using host = await start(proxy(response));
    const headers = { "content-type": "application/grpc", te: "trailers" };
    const answer = await host.fetch("/denied", { method: "POST", headers });
    expect([answer.status, answer.header("grpc-status"), answer.header("grpc-message")]).toEqual([200, status, denied]);
  });
});

describe("answers of auth-policy", () => {
  it.each([
    [{ status: 200 }, /response\.status: .*400/],
    [{ grpcStatus: 0 }, /response\.grpcStatus: /],
    [{ body: {} }, /response\.body: exactly one of text, json and problem/],
    [{ body: { text: "a", problem: true } }, /response\.body: exactly one/],
    [{ body: { json: "{" } }, /response\.body\.json: /],
    [{ headers: { host: "a" } }, /response\.headers\.host: is no header that can be sent/],
    [{ headers: { a: "b\nc" } }, /response\.headers\.a: must not hold line breaks/],
    [
      { headers: { "Content-Type": "a/b" }, body: { problem: true } },
      /response\.headers\.Content-Type: is given by the body/,
    ],
    [{ deniedByHeader: "a b" }, /response\.deniedByHeader: is no header that can be sent/],
    [{ code: 404 }, /response\.code: unknown field/],
  ])("refuse %j", async (response, problem) => {
    const error = await startEmulator(proxy(response)).then(
      () => "",
      (rejection: unknown) =>
        (rejection as { logs: { message: string }[] }).logs.map(({ message }) => message).join("\n"),
    );
    expect(error).toMatch(problem);
  });
});
