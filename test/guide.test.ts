import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { startEmulator } from "@attache/harness";
import { describe, expect, it } from "vitest";
import { compileFilter } from "./compile-filter.ts";

const guide = await readFile(new URL("../docs/guide/README.md", import.meta.url), "utf8");
const filters = [...guide.matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => code!);
const brewing = /```json\n([^]*?)```/.exec(guide)![1]!;
const [keepsPath, answers, asks, signs, greets, brews] = filters;

describe("the guide's filters", () => {
  it("are all tried here", () => {
    expect(filters).toHaveLength(6);
  });

  it("keep what later callbacks need", async () => {
    await using host = await startEmulator({
      plugins: [{ module: await compileFilter(keepsPath!) }],
      clusters: { app: () => ({ status: 500 }) },
    });
    await host.fetch("/slow");
    expect(host.logs.map(({ message }) => message)).toEqual(["failed: /slow"]);
  });

  it("answer instead of the upstream", async () => {
    await using host = await startEmulator({
      plugins: [{ module: await compileFilter(answers!) }],
      clusters: { app: () => ({ body: "app" }) },
    });
    expect((await host.fetch("/")).status).toBe(403);
    expect((await host.fetch("/", { headers: { "x-key": "open sesame" } })).text()).toBe("app");
  });

  it.each([
    ["lets pass whom the service lets pass", 200, 200],
    ["turns away whom it does not", 401, 403],
  ])("ask another service: it %s", async (_name, answer, status) => {
    await using host = await startEmulator({
      plugins: [{ module: await compileFilter(asks!) }],
      clusters: { app: () => ({}), auth: () => ({ status: answer }) },
      routes: [{ match: { prefix: "/" }, cluster: "app" }],
    });
    expect((await host.fetch("/")).status).toBe(status);
    expect(host.requests("auth").map(({ path }) => path)).toEqual(["/may-pass"]);
  });

  it("ask another service: what is not there lets nobody pass", async () => {
    await using host = await startEmulator({
      plugins: [{ module: await compileFilter(asks!) }],
      clusters: { app: () => ({}) },
    });
    expect((await host.fetch("/")).status).toBe(503);
  });

  it.each([
    ["hello there", "hello there"],
    ["goodbye", ""],
  ])("let pass a connection that begins with hello: %s", async (sent, received) => {
    await using host = await startEmulator({
      plugins: [],
      tcp: { plugins: [{ module: await compileFilter(greets!) }], cluster: "server" },
      clusters: { server: { tcp: (peer) => ({ data: (bytes) => peer.write(bytes) }) } },
    });
    const connection = await host.openTcp();
    connection.write(sent.slice(0, 3));
    connection.write(sent.slice(3));
    expect(Buffer.from(connection.received).toString()).toBe(received);
    expect(connection.state).toBe(received === "" ? "ended" : "open");
  });

  it("sign a request with its body", async () => {
    await using host = await startEmulator({
      plugins: [
        {
          module: await compileFilter(signs!),
          configuration: { secret: "${SIGNING_SECRET}" },
          environment: { SIGNING_SECRET: "open sesame" },
          allowOnHeadersStopIteration: true,
        },
      ],
      clusters: { app: () => ({}) },
    });
    await host.fetch("/things", { method: "POST", body: ["one", "two"] });
    await host.fetch("/none");
    const signed = ["/thingsonetwo", "/none"].map((text) =>
      createHmac("sha256", "open sesame").update(text).digest("hex"),
    );
    expect(host.requests("app").map((request) => request.header("x-signature"))).toEqual(signed);
  });

  it("have another configuration for some requests", async () => {
    await using host = await startEmulator({
      plugins: [{ module: await compileFilter(brews!), configuration: brewing, environment: { KIND: "milk" } }],
      clusters: { app: () => ({ body: "app" }) },
    });
    expect((await host.fetch("/tea")).text()).toBe("with milk");
    expect((await host.fetch("/coffee/black")).text()).toBe("app");
    expect((await host.fetch("/")).text()).toBe("I am a teapot");
  });
});
