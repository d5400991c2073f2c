import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";
import { canaryProxy } from "./proxy.ts";

const proxy = canaryProxy(
  () => ({ body: "v1" }),
  () => ({ body: "v2" }),
);

/** How often `fraction` of `trials` may differ from its mean: five standard deviations. */
const fiveSigma = (trials: number, fraction: number) => 5 * Math.sqrt(trials * fraction * (1 - fraction));

eachHost("canary", (start) => {
  it("sends about one in ten of 1,000 anonymous requests to v2", async () => {
    await using host = await start(proxy);
    let v2 = 0;
    for (let request = 0; request < 1000; request++) v2 += Number((await host.fetch("/")).text() === "v2");
    expect(Math.abs(v2 - 100)).toBeLessThanOrEqual(fiveSigma(1000, 0.1));
  });

  it("sends about one in ten of 1,000 users to v2, and each of them to the same side again", async () => {
    await using host = await start(proxy);
    const side = async (user: number) => (await host.fetch("/", { headers: { "x-user": `user-${user}` } })).text();
    const first: string[] = [];
    for (let user = 0; user < 1000; user++) first.push(await side(user));
    const v2 = first.filter((version) => version === "v2").length;
    expect(Math.abs(v2 - 100)).toBeLessThanOrEqual(fiveSigma(1000, 0.1));
    for (let user = 0; user < 1000; user++) expect(await side(user)).toBe(first[user]);
  });

  it("takes the user from a cookie when there is no header", async () => {
    await using host = await start(proxy);
    for (let user = 0; user < 50; user++) {
      const byHeader = await host.fetch("/", { headers: { "x-user": `user-${user}` } });
      const byCookie = await host.fetch("/", { headers: { cookie: `theme=dark; user=user-${user}; x=y` } });
      expect(byCookie.text()).toBe(byHeader.text());
    }
  });

  it("always sends the vip user to v2", async () => {
    await using host = await start(proxy);
    for (let request = 0; request < 50; request++) {
      expect((await host.fetch("/", { headers: { "end-user": "vip" } })).text()).toBe("v2");
    }
  });

  it("does not let a client choose the version", async () => {
    await using host = await start(proxy);
    const user = { "x-user": "user-1" };
    const own = (await host.fetch("/", { headers: user })).text();
    for (const claimed of ["v1", "v2"]) {
      expect((await host.fetch("/", { headers: { ...user, "x-route-subset": claimed } })).text()).toBe(own);
    }
  });
});
