import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

async function replying(reply: string): Promise<Uint8Array> {
  return await compileFilter(
    filterSource(`override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
      ${reply}
    }
    override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
      headers.set("x-seen", headers.status.toString());
      return FilterHeaders.Continue;
    }`),
  );
}

eachHost("local replies", (start) => {
  const modules: Record<string, Uint8Array> = {};
  beforeAll(async () => {
    modules.text = await replying(`return new LocalReply(429).header("retry-after", "3").text("slow down").send();`);
    modules.json = await replying(
      `return new LocalReply(403).json('{"error":"denied"}').details("rbac denied").send();`,
    );
    modules.twice = await replying(`new LocalReply(401).send(); return new LocalReply(200).text("open!").send();`);
    modules.grpc = await replying(`return new LocalReply(403).grpcStatus(16).text("who are you?").send();`);
    modules.chained = await compileFilter(
      filterSource(`override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
        return new LocalReply(503).text("denied").send();
      }
      override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
        if (headers.status >= 500) return new LocalReply(502).text("hidden").send();
        return FilterHeaders.Continue;
      }`),
    );
    modules.invalid = await replying(`return new LocalReply(99).header("x-a", "b\\r\\nx-evil: 1").send();`);
  });

  it("answers instead of the upstream, through this filter's own response callback", async () => {
    await using host = await start({ plugins: [{ module: modules.text! }], clusters: { app: () => ({}) } });
    const response = await host.fetch("/");
    expect(response.status).toBe(429);
    expect(response.text()).toBe("slow down");
    expect(response.header("retry-after")).toBe("3");
    expect(response.header("content-type")).toBe("text/plain");
    expect(response.header("x-seen")).toBe("429");
    expect(host.requests("app")).toHaveLength(0);
  });

  it("sends JSON with its content type", async () => {
    await using host = await start({ plugins: [{ module: modules.json! }] });
    const response = await host.fetch("/");
    expect([response.status, response.header("content-type")]).toEqual([403, "application/json"]);
    expect(JSON.parse(response.text())).toEqual({ error: "denied" });
  });

  it("gives a gRPC client the status in gRPC's form", async () => {
    await using host = await start({ plugins: [{ module: modules.json! }] });
    const response = await host.fetch("/", { method: "POST", headers: { "content-type": "application/grpc" } });
    expect([response.status, response.header("grpc-status")]).toEqual([200, "7"]);
  });

  it("keeps the first of two replies", async () => {
    await using host = await start({ plugins: [{ module: modules.twice! }] });
    const response = await host.fetch("/");
    expect([response.status, response.text()]).toEqual([401, ""]);
    await host.waitForLog("a second local reply to the same stream: left out");
  });

  it("lets its own first reply pass when it tries to replace it", async () => {
    await using host = await start({ plugins: [{ module: modules.chained! }] });
    const response = await host.fetch("/");
    expect([response.status, response.text()]).toEqual([503, "denied"]);
  });

  it("gives a gRPC client the status and message the filter chose", async () => {
    await using host = await start({ plugins: [{ module: modules.grpc! }] });
    const response = await host.fetch("/", { method: "POST", headers: { "content-type": "application/grpc" } });
    expect([response.header("grpc-status"), response.header("grpc-message")]).toEqual(["16", "who are you?"]);
  });

  it("answers 500 for an impossible status and leaves out a hostile header", async () => {
    await using host = await start({ plugins: [{ module: modules.invalid! }] });
    const response = await host.fetch("/");
    expect([response.status, response.header("x-a"), response.header("x-evil")]).toEqual([500, null, null]);
    await host.waitForLog("cannot have status 99");
  });
});
