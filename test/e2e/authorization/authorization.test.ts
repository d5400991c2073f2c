import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cluster, Host, RequestOptions } from "@attache/harness";
import { findEnvoy, startEnvoy } from "@attache/harness/envoy";
import { withoutEnvoy } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";
import { freePort } from "../../free-port.ts";
import { ServerProcess } from "../../server-process.ts";
import { extAuthz, opa } from "./program.ts";

const module = new URL("../../../assembly/auth-policy/build/plugin.wasm", import.meta.url);
const hasEnvoy = (await findEnvoy()) !== null;
const opaProgram = await opa.find();
const extAuthzProgram = await extAuthz.find();
/** A suite's name, or why it cannot run. */
const suite = (name: string, program: string | null) =>
  program === null
    ? `${name}: not built, see \`npm run setup -- --all\``
    : hasEnvoy
      ? name
      : `${name}: ${withoutEnvoy}`;

async function startProxy(provider: object, authz: Cluster): Promise<Host> {
  const configuration = {
    extensionProviders: [{ name: "authz", ...provider }],
    authorizationPolicies: [
      { action: "CUSTOM", provider: { name: "authz" }, rules: [{ to: [{ operation: { notPaths: ["/open"] } }] }] },
    ],
  };
  return await startEnvoy({
    plugins: [{ name: "auth-policy", module, configuration, allowOnHeadersStopIteration: true }],
    clusters: { app: () => ({ body: "app" }), authz },
    routes: [{ match: { prefix: "/" }, cluster: "app" }],
  });
}

async function ask(host: Host, path: string, options: RequestOptions = {}): Promise<[number, string]> {
  const response = await host.fetch(path, options);
  return [response.status, response.text()];
}

/** Attributes of a request, as Envoy's plugin for OPA has them. */
const POLICY = `package envoy.authz

import rego.v1

default allow := false

http := input.attributes.request.http

allow if {
  http.method == "GET"
  input.parsed_path[0] == "public"
}

allow if {
  http.method == "POST"
  http.body == "please"
  not input.truncated_body
}

answer := {"allowed": true, "headers": {"x-user": http.headers["x-name"]}} if http.headers["x-name"]

answer := {"allowed": false, "http_status": 401, "body": "who are you?", "headers": {"x-why": "no name"}} if {
  not http.headers["x-name"]
}
`;

describe.skipIf(opaProgram === null || !hasEnvoy)(suite("OPA", opaProgram), () => {
  async function startOpa(): Promise<{ server: ServerProcess } & AsyncDisposable> {
    const folder = await mkdtemp(join(tmpdir(), "attache-opa-"));
    await writeFile(join(folder, "policy.rego"), POLICY);
    const port = await freePort();
    const options = ["run", "--server", "--addr", `127.0.0.1:${port}`, "--disable-telemetry", "--log-level", "error"];
    const server = new ServerProcess(port, () =>
      spawn(opaProgram!, [...options, join(folder, "policy.rego")], { stdio: ["ignore", "ignore", "pipe"] }),
    );
    await server.start();
    return {
      server,
      [Symbol.asyncDispose]: async () => {
        await server.kill();
        await rm(folder, { recursive: true });
      },
    };
  }
  const startFor = async (port: number, more: object = {}) =>
    await startProxy({ opa: { cluster: "authz", timeout: "2s", ...more } }, { host: "127.0.0.1", port });

  it("decides by a document of truth", async () => {
    await using policies = await startOpa();
    const includeRequestBodyInCheck = { maxRequestBytes: 6, allowPartialMessage: true };
    await using host = await startFor(policies.server.port, { includeRequestBodyInCheck });
    expect(await ask(host, "/public/a?b")).toEqual([200, "app"]);
    expect(await ask(host, "/private")).toEqual([403, ""]);
    expect(await ask(host, "/open")).toEqual([200, "app"]);
    expect(await ask(host, "/a", { method: "POST", body: "please" })).toEqual([200, "app"]);
    expect(await ask(host, "/a", { method: "POST", body: "pleases" })).toEqual([403, ""]);
  });

  it("decides by an object, and changes the request", async () => {
    await using policies = await startOpa();
    await using host = await startFor(policies.server.port, { path: "/v1/data/envoy/authz/answer" });
    expect(await ask(host, "/", { headers: { "x-name": "ann", "x-user": "root" } })).toEqual([200, "app"]);
    expect(host.requests("app")[0]!.header("x-user")).toBe("ann");
    const refused = await host.fetch("/");
    expect([refused.status, refused.text(), refused.header("x-why")]).toEqual([401, "who are you?", "no name"]);
  });

  it("lets nobody in by a document that there is not, nor when it is gone, and comes back", async () => {
    await using policies = await startOpa();
    await using host = await startFor(policies.server.port, { path: "/v1/data/nothing" });
    expect(await ask(host, "/public")).toEqual([403, ""]);
    await using other = await startFor(policies.server.port, { statusOnError: 503 });
    expect(await ask(other, "/public")).toEqual([200, "app"]);
    await policies.server.kill();
    expect(await ask(other, "/public")).toEqual([503, ""]);
    expect(await ask(other, "/open")).toEqual([200, "app"]);
    await policies.server.start();
    await expect.poll(() => ask(other, "/public"), { timeout: 10_000 }).toEqual([200, "app"]);
  });
});

describe.skipIf(extAuthzProgram === null || !hasEnvoy)(
  suite("Istio's sample service for external authorization", extAuthzProgram),
  () => {
    async function startService() {
      const [httpPort, grpcPort] = [await freePort(), await freePort()];
      const server = new ServerProcess(grpcPort, () =>
        spawn(extAuthzProgram!, ["--http", `${httpPort}`, "--grpc", `${grpcPort}`], {
          stdio: ["ignore", "ignore", "pipe"],
        }),
      );
      await server.start();
      return { httpPort, grpcPort, [Symbol.asyncDispose]: async () => await server.kill() };
    }
    const headers = { "x-ext-authz": "allow", host: "shop.example", "x-a": ["1", "2"] };
    const DENIED = "denied by ext_authz for not found header `x-ext-authz: allow` in the request";

    it("is asked over gRPC, and reads what it is asked", async () => {
      await using service = await startService();
      const provider = { envoyExtAuthzGrpc: { cluster: "authz", timeout: "2s" } };
      await using host = await startProxy(provider, { host: "127.0.0.1", port: service.grpcPort, http2: true });
      expect(await ask(host, "/a?b=c", { headers })).toEqual([200, "app"]);
      const [request] = host.requests("app");
      expect(request!.header("x-ext-authz-check-result")).toBe("allowed");
      expect(request!.header("x-ext-authz-additional-header-override")).toBe("grpc-additional-header-override-value");
      // The attributes, as Go's protobuf prints them.
      const received = request!.header("x-ext-authz-check-received")!.replace(/\s+/g, " ");
      for (const part of [
        /^source:\{\} /,
        /destination:\{address:\{socket_address:\{address:"127\.0\.0\.1" port_value:\d+\}\}\}/,
        /request:\{time:\{seconds:\d{10} nanos:\d+\}/,
        /method:"GET"/,
        /path:"\/a\?b=c"/,
        /host:"shop\.example"/,
        /headers:\{key:"x-a" value:"1,2"\}/,
        /headers:\{key:":authority" value:"shop\.example"\}/,
        /protocol:"HTTP\/1\.1"/,
      ]) {
        expect(received).toMatch(part);
      }
      const refused = await host.fetch("/a", { headers: { "x-ext-authz": "allows" } });
      expect([refused.status, refused.text()]).toEqual([403, DENIED]);
      expect(refused.header("x-ext-authz-check-result")).toBe("denied");
      expect(await ask(host, "/open")).toEqual([200, "app"]);
    });

    it("is asked over HTTP, as the sample's own configuration says", async () => {
      await using service = await startService();
      const provider = {
        envoyExtAuthzHttp: {
          cluster: "authz",
          includeRequestHeadersInCheck: ["x-ext-authz"],
          includeAdditionalHeadersInCheck: { "x-ext-authz-additional-header-override": "other-value" },
          includeRequestBodyInCheck: { maxRequestBytes: 50, allowPartialMessage: true },
          headersToUpstreamOnAllow: ["x-ext-authz-*"],
        },
      };
      await using host = await startProxy(provider, { host: "127.0.0.1", port: service.httpPort });
      expect(await ask(host, "/a?b=c", { method: "POST", headers, body: "text" })).toEqual([200, "app"]);
      const [request] = host.requests("app");
      expect(request!.header("x-ext-authz-additional-header-override")).toBe("other-value");
      expect(request!.header("x-ext-authz-check-received")).toMatch(/^POST shop\.example\/a\?b=c, .*body: \[text\]/);
      expect(await ask(host, "/a")).toEqual([403, DENIED]);
    });
  },
);
