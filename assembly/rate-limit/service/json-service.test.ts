import { Emulator, type Cluster, type Host, type RequestOptions, type UpstreamRequest } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";

const module = new URL("../build/plugin.wasm", import.meta.url);

const user = (name: string): RequestOptions => ({ headers: { "x-user": name } });
const perUser = (more: object = {}) => ({ name: "per-user", scope: "global", key: [{ header: "x-user" }], ...more });

/** As the service answers at its `/json`. */
const status = (code: string, limitRemaining: number, durationUntilReset: string) => ({
  code,
  currentLimit: { name: "users", requestsPerUnit: 10, unit: "MINUTE" },
  limitRemaining,
  durationUntilReset,
});
const json = (value: object, httpStatus = 200) => ({
  status: httpStatus,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(value),
});
const ok = () => json({ overallCode: "OK", statuses: [status("OK", 9, "30s")] });
const over = () => json({ overallCode: "OVER_LIMIT", statuses: [status("OVER_LIMIT", 0, "30.5s")] }, 429);

eachHost("rate-limit with the service over HTTP", (start) => {
  const withService = async (
    service: Cluster,
    limits: object[] = [perUser()],
    http: object = { cluster: "ratelimit" },
  ) =>
    await start({
      plugins: [
        {
          name: "rate-limit",
          module,
          configuration: {
            domain: "edge",
            rateLimitService: { http, timeout: "100ms" },
            limits,
            response: { headersOnAllowed: true },
          },
        },
      ],
      clusters: { app: () => ({ body: "app" }), ratelimit: service },
      routes: [{ match: { prefix: "/" }, cluster: "app" }],
    });
  /** Virtual time goes on while the request waits. */
  const ask = async (host: Host, options = user("ada"), path = "/") => {
    const fetched = host.fetch(path, options);
    if (host instanceof Emulator) host.advance(1000);
    return await fetched;
  };

  it("asks about all limits in one request", async () => {
    const questions: UpstreamRequest[] = [];
    const limits = [
      perUser({ cost: 3 }),
      perUser({ name: "by-path", key: [{ genericKey: "api" }, { path: {} }], limit: 50, per: "1h" }),
    ];
    await using host = await withService((question) => (questions.push(question), ok()), limits);
    expect((await ask(host, user('a"\\d'), "/data?q")).status).toBe(200);
    const [question] = questions;
    expect([question!.method, question!.path, question!.header("content-type")]).toEqual(["POST", "/json", "application/json"]); // prettier-ignore
    expect(JSON.parse(question!.text())).toEqual({
      domain: "edge",
      descriptors: [
        { entries: [{ key: "x-user", value: 'a"\\d' }] },
        {
          entries: [
            { key: "genericKey", value: "api" },
            { key: "path", value: "/data" },
          ],
          limit: { requestsPerUnit: "50", unit: "HOUR" },
          hitsAddend: "1",
        },
      ],
      hitsAddend: "3",
    });
    await ask(host, user("\xff\xfe"));
    expect(JSON.parse(questions[1]!.text()).descriptors[0].entries[0].value).toBe("\ufffd\ufffd");
  });

  it("answers as the service says, and remembers keys that are used up", async () => {
    const paths: string[] = [];
    const service: Cluster = (question) => {
      paths.push(question.path);
      return question.text().includes('"bob"') ? over() : ok();
    };
    await using host = await withService(service, [perUser()], { cluster: "ratelimit", path: "/v1/limits?a" });
    const allowed = await ask(host);
    expect([allowed.status, allowed.header("ratelimit")]).toEqual([200, '"users";r=9;t=30']);
    for (let request = 0; request < 2; request++) {
      const rejected = await ask(host, user("bob"));
      expect([rejected.status, rejected.header("ratelimit-policy")]).toEqual([429, '"users";q=10;w=60']);
      expect([Number(rejected.header("retry-after")) > 25, rejected.header("x-envoy-ratelimited")]).toEqual([true, "true"]); // prettier-ignore
    }
    expect(paths).toEqual(["/v1/limits?a", "/v1/limits?a"]);
  });

  const odd = ["x", 5, { a: 1 }, [1, "x", null, []], [{ currentLimit: 5, durationUntilReset: {} }], [[[]]]];
  it.each(odd)("takes the word of a service whose statuses are odd: %j", async (statuses) => {
    await using host = await withService((question) =>
      json({ overallCode: question.text().includes('"bob"') ? "OVER_LIMIT" : "OK", statuses }),
    );
    expect([(await ask(host)).status, (await ask(host, user("bob"))).status]).toEqual([200, 429]);
  });

  it("rejects what the service rejects, whatever it says of the descriptors", async () => {
    await using host = await withService(() => json({ overallCode: "OVER_LIMIT", statuses: [status("OK", 9, "30s")] }));
    expect((await ask(host)).status).toBe(429);
  });

  it("adds the headers that the service names", async () => {
    const fields = {
      responseHeadersToAdd: [{ key: "x-plan", value: "free" }],
      requestHeadersToAdd: [{ key: "x-checked", value: "yes" }, { key: ":path", value: "/evil" }, {}],
    };
    await using host = await withService(() => json({ overallCode: "OK", ...fields }));
    expect((await ask(host)).header("x-plan")).toBe("free");
    const [request] = host.requests("app");
    expect([request!.path, request!.header("x-checked")]).toEqual(["/", "yes"]);
  });

  const failures: [string, Cluster][] = [
    ["fails", () => ({ status: 500 })],
    ["is not there", () => ({ status: 404, body: "no such page" })],
    ["answers UNKNOWN", () => json({ overallCode: "UNKNOWN" })],
    ["answers a code that there is not", () => json({ overallCode: 7 })],
    ["answers garbage", () => ({ body: '{"overallCode":"OK"' })],
    ["answers something else", () => ({ body: '["OK"]' })],
    ["answers nothing", () => ({})],
    ["is slow", () => ({ ...ok(), delayMs: 700 })],
    ["breaks off", () => ({ reset: true })],
    ["has no host", { hosts: [] }],
  ];
  it.each(failures)("decides by the failure mode when the service %s", async (_, service) => {
    await using denying = await withService(service);
    expect((await ask(denying)).status).toBe(500);
    expect(await denying.metric("rate_limit.per-user.error")).toBe(1);
    expect(denying.requests("app")).toEqual([]);
    await using allowing = await withService(service, [perUser({ failureMode: "allow" })]);
    expect((await ask(allowing)).status).toBe(200);
  });

  it("is told what a request takes when its response tells", async () => {
    const questions: unknown[] = [];
    const service: Cluster = (question) => (questions.push(JSON.parse(question.text())), ok());
    await using host = await withService(service, [perUser({ countStatuses: [200] })]);
    expect((await ask(host)).status).toBe(200);
    await expect.poll(() => questions.length).toBe(2);
    const entries = [{ key: "x-user", value: "ada" }];
    expect(questions).toEqual([
      { domain: "edge", descriptors: [{ entries, hitsAddend: "0" }], hitsAddend: "0" },
      { domain: "edge", descriptors: [{ entries }], hitsAddend: "1" },
    ]);
  });

  it("is refused with every problem of its configuration", async () => {
    const message = await withService(ok, [perUser({ per: "1s" })], { port: 80, path: "json" }).then(
      async (host) => (await host.stop(), "accepted"),
      (error: Error) => error.message,
    );
    for (const problem of [
      /limits\[0\]\.limit: is required/,
      /rateLimitService\.http: exactly one of cluster and service/,
      /rateLimitService\.http\.port: unknown field/,
      /rateLimitService\.http\.path: must start with \//,
    ]) {
      expect(message).toMatch(problem);
    }
  });
});
