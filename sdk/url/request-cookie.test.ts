import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

eachHost("cookies, path and query of a request", (start) => {
  let filter: Uint8Array;
  beforeAll(async () => {
    filter = await compileFilter(
      `import { normalizePath, PathNormalization, queryParameter, requestCookie } from "@attache/sdk";` +
        filterSource(`override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
          const first = requestCookie(headers, "session");
          const other = requestCookie(headers, "other");
          log.info("session=" + (first === null ? "null" : first.toString()) + " other=" + (other === null ? "null" : ""));
          const path = headers.getBytes(":path")!;
          log.info("path=" + normalizePath(path, PathNormalization.DecodeAndMergeSlashes)!.toString());
          log.info("user=" + queryParameter(path, "user")!.toString());
          return FilterHeaders.Continue;
        }`),
    );
  });

  it("are read from all cookie lines, the first of a name counting, and from the path as it came", async () => {
    await using host = await start({ plugins: [{ module: filter }], clusters: { app: () => ({}) } });
    await host.fetch("/a/%2e%2e//b%2Fc?user=a+b%26c&user=d", {
      headers: [
        ["cookie", "theme=dark"],
        ["x-cookie", "session=no"],
        ["cookie", 'a=1; session="one"; session=two'],
        ["cookie", "session=three"],
      ],
    });
    await host.waitForLog("user=");
    expect(host.logs.map(({ message }) => message)).toEqual([
      "session=one other=null",
      "path=/b/c?user=a+b%26c&user=d",
      "user=a b&c",
    ]);
  });
});
