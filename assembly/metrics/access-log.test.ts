import { readFileSync } from "node:fs";
import { type HostOptions } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);
const schema = JSON.parse(readFileSync(new URL("access-log.schema.json", import.meta.url), "utf8")) as object;
const isLine = new Ajv2020({ strict: true, strictTypes: false }).compile(schema);

const proxy = (accessLog: object | undefined): HostOptions => ({
  plugins: [{ name: "metrics", module, configuration: { accessLog } }],
  clusters: { app: (request) => (request.path === "/reset" ? { reset: true } : { status: 201, body: "created" }) },
});
type Line = Record<string, unknown>;

eachHost("the access log", (start) => {
  it("tells of a request in JSON", async () => {
    const fields = {
      team: "request.headers['x-team']",
      is_slow: "request.duration > duration('1h')",
      size: "request.headers['x-team'].size()",
      absent: "request.headers['x-none']",
    };
    await using host = await start(proxy({ fields }));
    const headers = {
      host: "shop.example",
      "user-agent": "curl/8",
      "x-team": '"Blü"\n'.trim(),
      "x-request-id": "id-1",
    };
    await host.fetch("/users/42?token=secret", { method: "POST", headers, body: "abc" });
    const line = JSON.parse((await host.waitForLog(/^\{/)).message) as Line;
    expect(isLine(line), JSON.stringify(isLine.errors)).toBe(true);
    expect(line).toMatchObject({
      flags: "-",
      method: "POST",
      host: "shop.example",
      path: "/users/42",
      protocol: "HTTP/1.1",
      status: 201,
      details: "via_upstream",
      user_agent: "curl/8",
      cluster: "app",
      is_slow: false,
      size: 5,
    });
    expect(line["absent"]).toBeUndefined();
    expect(line["client"]).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(line["request_bytes"]).toBeGreaterThan(3);
    expect(JSON.stringify(line)).not.toContain("secret");
  });

  it("has a line for each request that its condition takes, however the request ends", async () => {
    await using host = await start(proxy({ match: "response.code >= 500" }));
    await host.fetch("/good");
    await host.fetch("/reset");
    const line = JSON.parse((await host.waitForLog(/^\{/)).message) as Line;
    expect(isLine(line), JSON.stringify(isLine.errors)).toBe(true);
    expect(line).toMatchObject({ path: "/reset", status: 503, flags: "UC" });
    expect(host.logs.filter(({ message }) => message.startsWith("{"))).toHaveLength(1);
  });

  it("stays JSON on one line, whatever clients send", async () => {
    await using host = await start(proxy({ fields: { any: "request.headers['x-any']" } }));
    const hostile = ['\xff\xfe","status":999', "\\", '"}\\n{"', "\t\x80", "x".repeat(20_000)];
    for (const value of hostile) await host.fetch(`/%ff"}`, { headers: { "x-any": value, "user-agent": value } });
    await host.fetch("/last");
    await host.waitForLog("/last");
    const lines = host.logs.filter(({ message }) => message.startsWith("{"));
    expect(lines).toHaveLength(hostile.length + 1);
    for (const { message } of lines) {
      const line = JSON.parse(message) as Line;
      expect(isLine(line), JSON.stringify(isLine.errors)).toBe(true);
      expect(line["status"]).toBe(201);
    }
  });

  it("is written on request only", async () => {
    await using host = await start(proxy(undefined));
    await host.fetch("/");
    expect(await host.metric("flushed")).toBeNull();
    expect(host.logs).toEqual([]);
  });

  it("names the fields that every line has", async () => {
    const message = await start(proxy({ fields: { status: "'x'", time_ms: "1", team: "" }, match: "1" })).then(
      () => "accepted",
      (error: Error) => error.message,
    );
    expect(message).toContain("accessLog.fields.status: is a field of every line");
    expect(message).toContain("accessLog.fields.time_ms: is a field of every line");
    expect(message).toContain("accessLog.fields.team: must not be empty");
    expect(message).toContain("accessLog.match: expected true or false");
  });
});
