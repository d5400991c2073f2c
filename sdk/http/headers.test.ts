import { eachHost } from "@attache/harness/vitest";
import { beforeAll, describe, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

/** A filter that runs `body` on the request headers and reports by `log.info`. */
async function onRequest(body: string): Promise<Uint8Array> {
  return await compileFilter(
    filterSource(`override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
      ${body}
      return FilterHeaders.Continue;
    }`),
  );
}

eachHost("header access", (start) => {
  const modules: Record<string, Uint8Array> = {};
  beforeAll(async () => {
    modules.read = await onRequest(`
      const missing = headers.get("x-missing");
      log.info("missing=" + (missing === null ? "null" : missing));
      const empty = headers.get("x-empty");
      log.info("empty=" + (empty === null ? "null" : "<" + empty + ">"));
      log.info("first=" + headers.get("X-Many")!);
      log.info("all=" + headers.getAll("x-many").join("|"));
      log.info("hosts=" + headers.getAll("host").join("|"));
      log.info("has=" + headers.has("x-empty").toString() + headers.has("x-missing").toString());
      log.info("host=" + headers.get("host")! + " " + headers.authority);
      log.info("bytes=" + headers.getBytes("x-bytes")!.length.toString() + " " + headers.get("x-bytes")!);
      log.info("path=" + headers.path + " method=" + headers.method + " scheme=" + headers.scheme);
    `);
    modules.write = await onRequest(`
      headers.set("x-set", "newer");
      headers.append("x-added", "second");
      headers.delete("x-gone");
      headers.path = "/changed?by=filter";
      headers.get("x-set"); // Both are read before they change, so what was read must be forgotten.
      headers.get("x-added");
      headers.set("x-set", "new");
      log.info("read back: " + headers.get("x-set")! + " " + headers.getAll("x-added").join("|") + " " +
        headers.has("x-gone").toString());
    `);
    modules.hostile = await onRequest(`
      const value = headers.get("x-value")!;
      log.info("refused: " + headers.set("x-a", value + "\\r\\nx-evil: 1").toString() + " " +
        headers.set("x-a", "nul\\0").toString() + " " + headers.append("x\\n", value).toString() + " " +
        headers.set("", value).toString());
      log.info("taken: " + headers.set("x-a", value).toString());
    `);
    modules.iterate = await onRequest(`
      let names = "";
      for (let index = 0; index < headers.count; index++) {
        const name = headers.nameAt(index)!;
        if (name.startsWith("x-") && !name.startsWith("x-request") && !name.startsWith("x-forwarded"))
          names += name.toString() + "=" + headers.valueAt(index)!.toString() + " ";
      }
      log.info("entries: " + names + (headers.nameAt(headers.count) === null ? "end" : ""));
    `);
    modules.response = await compileFilter(
      filterSource(`override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
        log.info("status=" + headers.status.toString());
        headers.set("x-status", headers.status.toString());
        headers.delete("x-internal");
        return FilterHeaders.Continue;
      }
      override onLog(): void { log.info("log: " + this.read()); }
      private read(): string { return "done"; }`),
    );
  });

  it("tells missing from empty, finds all values and pseudo headers", async () => {
    await using host = await start({ plugins: [{ module: modules.read! }], clusters: { app: () => ({}) } });
    const bytes = "caf\xe9"; // not UTF-8
    await host.fetch("/p?q=1", {
      headers: [
        ["host", "example.com"],
        ["x-empty", ""],
        ["x-many", "a"],
        ["x-many", "b"],
        ["x-bytes", bytes],
      ],
    });
    await host.waitForLog("path=");
    expect(host.logs.map(({ message }) => message)).toEqual([
      "missing=null",
      "empty=<>",
      "first=a",
      "all=a|b",
      "hosts=example.com",
      "has=truefalse",
      "host=example.com example.com",
      "bytes=4 caf\ufffd",
      "path=/p?q=1 method=GET scheme=http",
    ]);
  });

  it("writes what the upstream receives, and reads back what it wrote", async () => {
    await using host = await start({ plugins: [{ module: modules.write! }], clusters: { app: () => ({}) } });
    await host.fetch("/", { headers: { "x-set": "old", "x-added": "first", "x-gone": ["1", "2"] } });
    const [request] = host.requests("app");
    expect(request!.path).toBe("/changed?by=filter");
    expect(request!.header("x-set")).toBe("new");
    expect(request!.headers.filter(([name]) => name === "x-added").map(([, value]) => value)).toEqual([
      "first",
      "second",
    ]);
    expect(request!.header("x-gone")).toBeNull();
    await host.waitForLog("read back: new first|second false");
  });

  it("refuses names and values that would smuggle in another header", async () => {
    await using host = await start({ plugins: [{ module: modules.hostile! }], clusters: { app: () => ({}) } });
    await host.fetch("/", { headers: { "x-value": "v" } });
    await host.waitForLog("refused: false false false false");
    await host.waitForLog("taken: true");
    expect(host.requests("app")[0]!.header("x-a")).toBe("v");
    expect(host.requests("app")[0]!.header("x-evil")).toBeNull();
  });

  it("goes through all entries in order", async () => {
    await using host = await start({ plugins: [{ module: modules.iterate! }], clusters: { app: () => ({}) } });
    await host.fetch("/", {
      headers: [
        ["x-b", "1"],
        ["x-a", "2"],
        ["x-b", "3"],
      ],
    });
    await host.waitForLog("entries: x-b=1 x-a=2 x-b=3 end");
  });

  it("reads the status and changes the response", async () => {
    const app = () => ({ status: 418, headers: { "x-internal": "secret" } });
    await using host = await start({ plugins: [{ module: modules.response! }], clusters: { app } });
    const response = await host.fetch("/");
    expect(response.header("x-status")).toBe("418");
    expect(response.header("x-internal")).toBeNull();
    await host.waitForLog("log: done");
  });

  describe("asks the proxy", () => {
    const calls = (transcript: readonly string[], name: string) =>
      transcript.filter((line) => line.startsWith(`[vm->host] env.${name}(`)).length;

    it("once for one header, and once for eight", async () => {
      const one = await onRequest(`headers.get("x-a");`);
      const eight = await onRequest(`
        for (let round = 0; round < 2; round++) {
          headers.get("x-a"); headers.get("x-b"); headers.getBytes("x-c"); headers.has("x-d");
        }
      `);
      await using single = await start({ plugins: [{ module: one }], logLevel: "trace" });
      await single.fetch("/");
      expect(calls(single.transcript, "proxy_get_header_map_value")).toBe(1);
      expect(calls(single.transcript, "proxy_get_header_map_pairs")).toBe(0);
      await using many = await start({ plugins: [{ module: eight }], logLevel: "trace" });
      await many.fetch("/");
      await many.fetch("/");
      // The first stream cannot know how many look-ups will come; the second one does.
      expect(calls(many.transcript, "proxy_get_header_map_value")).toBe(1);
      expect(calls(many.transcript, "proxy_get_header_map_pairs")).toBe(2);
    });
  });
});
