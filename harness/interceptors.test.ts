import { expect, it } from "vitest";
import { mockCluster } from "./index.ts";
import { eachHost } from "./vitest/index.ts";

eachHost("a cluster that expects its requests", (start) => {
  it("answers each by the first interceptor that matches and is not used up", async () => {
    using app = mockCluster();
    app.intercept({ path: "/a", method: "POST", body: /^q/ }).reply(201, "posted", { headers: { "x-a": "1" } });
    app.intercept({ path: "/a" }).reply(200, "first");
    app.intercept({ path: /^\/a/, headers: { "x-b": /^\d$/, host: "b" } }).reply(200, "by header");
    app
      .intercept({ path: /./ })
      .reply((request) => ({ body: `any ${request.path}` }))
      .times(2);
    await using host = await start({ plugins: [], clusters: { app } });
    const posted = await host.fetch("/a", { method: "POST", body: "question" });
    expect([posted.status, posted.text(), posted.header("x-a")]).toEqual([201, "posted", "1"]);
    expect((await host.fetch("/a")).text()).toBe("first");
    expect((await host.fetch("/a", { headers: { "x-b": "7", host: "b" } })).text()).toBe("by header");
    expect((await host.fetch("/a")).text()).toBe("any /a");
    expect((await host.fetch("/b?c=d")).text()).toBe("any /b?c=d");
  });

  it("answers late, breaks off and persists", async () => {
    using app = mockCluster();
    app.intercept({ path: "/late" }).reply(200, "late").delay(30);
    app.intercept({ path: "/broken" }).reset();
    app.intercept({ path: "/ever" }).reply(204).persist();
    app.intercept({ path: "/never" }).reply(200).persist();
    await using host = await start({ plugins: [], clusters: { app } });
    const late = host.fetch("/late");
    if ("advance" in host) (host as unknown as { advance(ms: number): void }).advance(30);
    expect((await late).text()).toBe("late");
    expect(await host.fetch("/broken")).toHaveStatus(503);
    for (let i = 0; i < 3; i++) expect(await host.fetch("/ever")).toHaveStatus(204);
  });

  it("tells of requests that did not come, and of those that nobody expected", async () => {
    const app = mockCluster();
    app
      .intercept({ path: "/a", method: "PUT", headers: { "x-a": "1" }, body: "b" })
      .reply(200)
      .times(3);
    await using host = await start({ plugins: [], clusters: { app } });
    const response = await host.fetch("/b", { method: "DELETE" });
    expect(response).toHaveStatus(501);
    expect(response).toHaveBody("no interceptor expects DELETE /b");
    expect(app.pendingInterceptors()).toEqual(["PUT /a, x-a: 1, with the body b (3 times)"]);
    expect(() => app.assertNoPendingInterceptors()).toThrow(
      "the cluster's requests are not those that were expected:\n" +
        "  did not come: PUT /a, x-a: 1, with the body b (3 times)\n" +
        "  nobody expected: DELETE /b",
    );
    expect(() => app[Symbol.dispose]()).toThrow(expect.objectContaining({ code: "INTERCEPTORS_UNMET" }));
  });
});
