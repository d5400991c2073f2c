import { eachHost } from "@attache/harness/vitest";
import { Emulator, type Cluster, type HostOptions, type StartHost } from "@attache/harness";
import { beforeAll, describe, expect, it } from "vitest";
import { allBut } from "../../test/capabilities.ts";
import { compileFilter } from "../../test/compile-filter.ts";
import { series, standardLabels as standard } from "../../test/metric-series.ts";

const module = new URL("build/plugin.wasm", import.meta.url);

function proxy(configuration: unknown, app: Cluster = () => ({ body: "app" })): HostOptions {
  return { plugins: [{ name: "metrics", module, configuration }], clusters: { app } };
}

const shop = { headers: { host: "shop.example" } };

/** Only the labels that a test is about. */
function keeping(...kept: string[]): object {
  return { tags_to_remove: Object.keys(standard).filter((label) => !kept.includes(label)) };
}

/** A counter `istio_probe` with a label for each expression. */
function probing(dimensions: Record<string, string>, more: object = {}): object {
  return {
    definitions: [{ name: "probe", value: "1" }],
    metrics: [{ name: "probe", dimensions }],
    ...more,
  };
}

/** An expression, and what it says about `POST /users/42/orders?x=1`, answered with status 201. */
const expressions: [expression: string, value: string][] = [
  ["request.method", "POST"],
  ["request.url_path", "/users/42/orders"],
  ["request.headers['x-team']", "Blue"],
  ['request.headers["x-none"]', "unknown"],
  ['request.headers["x-none"] | "none"', "none"],
  ['request.headers["x-none"] | request.headers["x-team"] | "none"', "Blue"],
  ['source.labels["service"] | "unknown"', "unknown"],
  ["response.code | 200", "201"],
  ["request.headers['x-team'].lower() + '-' + request.method", "blue-POST"],
  ["request.headers['x-team'].replace('l', '<>')", "B<>ue"],
  ["response.code + 1", "202"],
  ["'status ' + string(response.code)", "status 201"],
  ["string(destination.port).matches('^[1-9][0-9]+$')", "true"],
  ["string(request.method) + string(response.code == 201)", "POSTtrue"],
  ["string(request.headers['x-none'])", "unknown"],
  ["int('201') == response.code ? int('-7') + 1 : 0", "-6"],
  ["int(request.headers['x-none'])", "unknown"],
  ["int(request.method) | 'none'", "none"],
  ["int('') | int('-') | int('1.5') | int('9223372036854775807') | 'none'", "none"],
  ["response.code == 201 && request.method != 'GET'", "true"],
  ["response.code >= 500 || request.method == 'GET'", "false"],
  ["!(response.code < 500)", "false"],
  ["response.code > 200 ? 'created' : 'other'", "created"],
  ["has(request.headers['x-none']) ? 'yes' : 'no'", "no"],
  ["request.headers['x-none'] == 'a'", "unknown"],
  ["request.headers['x-none'] == 'a' || true", "true"],
  ["false && request.headers['x-none'] == 'a'", "false"],
  ["request.url_path.startsWith('/users')", "true"],
  ["request.url_path.endsWith('/orders')", "true"],
  ["request.url_path.contains('42/o')", "true"],
  ["request.url_path.contains('43')", "false"],
  ["request.url_path.matches('[0-9]+/o')", "true"],
  ["request.url_path.matches('^/[0-9]')", "false"],
  ["request.url_path.matches('^/users/[0-9]{2}/(orders|baskets)$')", "true"],
  ["request.headers['x-team'].matches('(?i)^BLUE$') ? 'blue' : 'other'", "blue"],
  ["request.headers['x-none'].matches('a')", "unknown"],
  ["request.method.size()", "4"],
  ["request.duration < duration('1h')", "true"],
  ["statusClass(response.code)", "2xx"],
  ["knownMethod(request.method)", "POST"],
  ["knownMethod(request.headers['x-team'])", "other"],
  ["pathTemplate(request.path)", "/users/{*}/orders"],
  ["pathTemplate('/users/x')", "other"],
  ["foldIds(request.path)", "/users/:id/orders"],
  ["foldIds('/a/6ba7b810-9dad-11d1-80b4-00c04fd430c8/deadbeef/dead/007')", "/a/:id/:id/dead/:id"],
  ["'it\\'s' + \"\\\"\"", "it's\""],
  ["xds.cluster_name", "app"],
  ["connection.mtls", "false"],
  ["unset_by_any_filter | 'default'", "default"],
];

eachHost("metrics", (start: StartHost) => {
  describe("Istio's standard set", () => {
    it("counts requests under all labels", async () => {
      await using host = await start(proxy({}));
      await host.fetch("/", shop);
      await host.fetch("/other", shop);
      expect(await host.metric(series("istio_requests_total", standard))).toBe(2);
    });

    it("is that of the destination when it says so, and leaves the host out on request", async () => {
      await using host = await start(proxy({ reporter: "DESTINATION", disable_host_header_fallback: true }));
      await host.fetch("/", shop);
      const labels = {
        ...standard,
        reporter: "destination",
        destination_service: "unknown",
        destination_service_name: "unknown",
        connection_security_policy: "none",
      };
      expect(await host.metric(series("istio_requests_total", labels))).toBe(1);
    });

    it("tells requests apart by status, flags, and gRPC status, however they end", async () => {
      const kept = ["request_protocol", "response_code", "grpc_response_status", "response_flags"];
      await using host = await start({
        ...proxy({ metrics: [keeping(...kept)] }, (request) => {
          if (request.path === "/reset") return { reset: true };
          if (request.path === "/trailers") return { body: "x", trailers: { "grpc-status": "5" } };
          return request.path === "/only" ? { headers: { "grpc-status": "7" } } : { status: 503 };
        }),
        routes: [
          { match: { prefix: "/local" }, directResponse: { status: 403 } },
          { match: { prefix: "/" }, cluster: "app" },
        ],
      });
      const count = async (values: string[]) =>
        await host.metric(
          series("istio_requests_total", Object.fromEntries(kept.map((key, at) => [key, values[at]!]))),
        );
      const grpc = (type: string) => ({ method: "POST", headers: { "content-type": type } });
      await host.fetch("/");
      expect(await count(["http", "503", "", "-"])).toBe(1);
      await host.fetch("/local");
      expect(await count(["http", "403", "", "-"])).toBe(1);
      await host.fetch("/reset");
      expect(await count(["http", "503", "", "UC"])).toBe(1);
      await host.fetch("/trailers", grpc("application/grpc"));
      expect(await count(["grpc", "200", "5", "-"])).toBe(1);
      await host.fetch("/only", grpc("application/grpc+proto"));
      expect(await count(["grpc", "200", "7", "-"])).toBe(1);
      await host.fetch("/only", grpc("application/grpc-web"));
      expect(await count(["http", "200", "", "-"])).toBe(1);
    });

    it.each([
      ["four", "where the proxy has CEL", 3, true],
      ["ten", "elsewhere", 10, false],
    ])("takes %s host calls to read %s, and four to record", async (_, __, properties, hasCel) => {
      const options = proxy({});
      const allowedCapabilities = await allBut("proxy_call_foreign_function", module);
      if (!hasCel) options.plugins = [{ ...options.plugins[0]!, allowedCapabilities }];
      await using host = await start({ ...options, logLevel: "trace" });
      const calls = async () => {
        const before = host.transcript.length;
        await host.fetch("/", shop);
        await host.metric("flushed");
        const lines = host.transcript.slice(before).filter((line) => line.startsWith("[vm->host]"));
        return lines.map((line) => /env\.(\w+)\(/.exec(line)![1]!);
      };
      await calls();
      const seen = await calls();
      expect(seen.filter((name) => name === "proxy_get_property")).toHaveLength(properties);
      expect(seen.filter((name) => name === "proxy_record_metric")).toHaveLength(4);
      expect(seen).toHaveLength(properties + 4 + (hasCel ? 1 : 0));
    });
  });

  it("take for gRPC what the proxy takes for it", async () => {
    const routes = [{ match: { prefix: "/" }, directResponse: { status: 403 } }];
    const metrics = [keeping("request_protocol")];
    await using host = await start({ ...proxy({ metrics }), routes });
    const kinds = { http: 0, grpc: 0 };
    for (const end of ["", "+proto", ";charset=utf-8", " ; v=1", "-web", "x"]) {
      const headers = { "content-type": `application/grpc${end}`, te: "trailers" };
      const answer = await host.fetch("/a.B/C", { method: "POST", headers });
      kinds[answer.header("grpc-status") === null ? "http" : "grpc"] += 1;
    }
    expect(kinds).toEqual({ http: 4, grpc: 2 });
    for (const [protocol, count] of Object.entries(kinds)) {
      await expect(host).toHaveMetric(series("istio_requests_total", { request_protocol: protocol }), count);
    }
  });

  describe("known labels", () => {
    let probe: Uint8Array;
    beforeAll(async () => {
      probe = await compileFilter(`
        import { log, registerPlugin } from "@attache/sdk";
        import { MeasuredStream } from "../../../../assembly/metrics/measured-stream";
        import { Metrics } from "../../../../assembly/metrics/metrics";
        export * from "@attache/sdk/proxy";

        class Probe extends Metrics {
          count: i32 = 0;
          override record(stream: MeasuredStream): void {
            const before = __allocatedBytes();
            super.record(stream);
            const allocated = __allocatedBytes() - before;
            log.info("request " + (++this.count).toString() + " allocated " + allocated.toString());
          }
        }
        registerPlugin(() => new Probe());
      `);
    });

    it("take no memory", async () => {
      const dimensions = { path: "foldIds(request.path)", team: "request.headers['x-team'] + 'a'" };
      const configuration = {
        definitions: [{ name: "probe", value: "request.duration" }],
        metrics: [{ name: "probe", dimensions }],
        slo: [{ name: "api", good: "statusClass(response.code) == '2xx'" }],
        inFlight: true,
      };
      const { clusters } = proxy({});
      await using host = await start({ plugins: [{ module: probe, configuration }], clusters: clusters! });
      for (let request = 0; request < 3; request++) await host.fetch("/users/1", { headers: { "x-team": "blue" } });
      await host.waitForLog("request 2 allocated 0");
      await host.waitForLog("request 3 allocated 0");
      // Text longer than any before does: so the probe tells the truth.
      await host.fetch("/users/1", { headers: { "x-team": "b".repeat(500) } });
      await host.waitForLog(/^request 4 allocated [1-9]/);
    });
  });

  describe("changes", () => {
    it("drop, replace, remove and add labels, as Istio's stats plugin", async () => {
      await using host = await start(
        proxy({
          metrics: [
            keeping("reporter", "response_code"),
            { dimensions: { response_code: "statusClass(response.code)" } },
            { name: "requests_total", dimensions: { zone: "'z'", method: "request.method", code: "'hidden'" } },
            { name: "request_bytes", drop: true },
          ],
        }),
      );
      await host.fetch("/", { method: "PUT" });
      // `code` stands before `response_code`: the expression that extracts it would find it there.
      const labels = { reporter: "source", code: "hidden", response_code: "2xx", method: "PUT", zone: "z" };
      expect(await host.metric(series("istio_requests_total", labels))).toBe(1);
    });

    it("define metrics of one's own", async () => {
      const definitions = [
        { name: "orders", type: "COUNTER", value: "request.url_path == '/orders' ? 2 : 0" },
        { name: "failures", value: "response.code >= 500" },
        { name: "last_status", type: "GAUGE", value: "response.code" },
        { name: "sometimes", value: "request.headers['x-none'] == 'a'" },
        { name: "mutual", type: "GAUGE", value: "connection.mtls" },
        { name: "attempts", type: "GAUGE", value: "upstream.request_attempt_count" },
        { name: "grpc_status", type: "GAUGE", value: "response.grpc_status" },
      ];
      const metrics = [{ name: "orders", dimensions: { method: "request.method" } }];
      await using host = await start(proxy({ definitions, metrics }, () => ({ status: 503 })));
      for (const path of ["/orders", "/other", "/orders"]) await host.fetch(path);
      expect(await host.metric("method=.=GET;.;istio_orders")).toBe(4);
      expect(await host.metric("istio_failures")).toBe(3);
      expect(await host.metric("istio_last_status")).toBe(503);
      expect(await host.metric("istio_sometimes")).toBeNull();
      expect(await host.metric("istio_mutual")).toBe(0);
      expect(await host.metric("istio_attempts")).toBe(1);
      expect(await host.metric("istio_grpc_status")).toBe(14);
    });

    it("tell what is absent from what is empty, however it is read", async () => {
      const dropped = ["request_messages_total", "response_messages_total"].map((name) => ({ name, drop: true }));
      const type = "request.headers['content-type'] | 'none'";
      const metrics = [
        ...dropped,
        { name: "requests_total", tagsToRemove: Object.keys(standard), dimensions: { type } },
      ];
      await using host = await start(proxy({ metrics }));
      await host.fetch("/");
      await host.fetch("/", { headers: { "content-type": "text/plain" } });
      expect(await host.metric("type=.=none;.;istio_requests_total")).toBe(1);
      expect(await host.metric("type=.=text/plain;.;istio_requests_total")).toBe(1);
    });

    it("count objectives: all requests, and the good ones", async () => {
      const slo = [
        { name: "api", match: "request.url_path.startsWith('/api')", good: "response.code < 500" },
        { name: "fast", good: "request.duration <= duration('1h')" },
      ];
      await using host = await start(
        proxy({ slo }, (request) => ({ status: request.path === "/api/bad" ? 500 : 200 })),
      );
      for (const path of ["/api/bad", "/api/good", "/other"]) await host.fetch(path);
      expect(await host.metric("slo=.=api;.;slo_requests_total")).toBe(2);
      expect(await host.metric("slo=.=api;.;slo_good_total")).toBe(1);
      expect(await host.metric("slo=.=fast;.;slo_requests_total")).toBe(3);
      expect(await host.metric("slo=.=fast;.;slo_good_total")).toBe(3);
    });
  });

  it("tell how many requests are in flight", async () => {
    const configuration = { inFlight: true, definitions: [{ name: "done", value: "1" }] };
    await using host = await start(proxy(configuration, () => ({ delayMs: 30 })));
    const answers = [host.fetch("/"), host.fetch("/")];
    let during: number | null = null;
    while (during !== 2) during = await host.metric("http_requests_in_flight");
    if (host instanceof Emulator) host.advance(30);
    await Promise.all(answers);
    expect(await host.metric("istio_done")).toBe(2);
    expect(await host.metric("http_requests_in_flight")).toBe(0);
  });

  it("evaluate expressions", async () => {
    const usable = expressions.filter(([, value]) => value !== "");
    const dimensions = Object.fromEntries(usable.map(([source], at) => [`d${String(at).padStart(2, "0")}`, source]));
    const configuration = probing(dimensions, { pathTemplates: ["/users/{*}/orders", "/{**}/orders"] });
    await using host = await start(proxy(configuration, () => ({ status: 201 })));
    await host.fetch("/users/42/orders?x=1", { method: "POST", headers: { "x-team": "Blue" } });
    const labels = Object.fromEntries(usable.map(([, value], at) => [`d${String(at).padStart(2, "0")}`, value]));
    expect(await host.metric(series("istio_probe", labels))).toBe(1);
  });

  it("stay bounded when every request has another label, and take what no client should send", async () => {
    await using host = await start(
      proxy(
        probing(
          { path: "request.path", host: "request.host", agent: "request.headers['x-any'].lower()" },
          { cardinality: { maxSeries: 20 } },
        ),
      ),
    );
    const hostile = ["\xff\xfe;.;path=.=evil", "=.=;.;", "x".repeat(50_000), "", "\t\x80", "%00%ff"];
    for (let request = 0; request < 60; request++) {
      const value = hostile[request % hostile.length]!;
      await host.fetch(`/${request}?${"a=b&".repeat(1000)}%ff`, { headers: { "x-any": value } });
    }
    expect((await host.fetch("/")).status).toBe(200);
    expect(await host.metric("agent=.=_overflow;.;host=.=_overflow;.;path=.=_overflow;.;istio_probe")).toBe(41);
    expect(await host.metric("istio_probe_dropped_series_total")).toBe(41);
  });

  describe("reject a configuration", () => {
    const rejected = async (configuration: unknown) =>
      await start(proxy(configuration)).then(
        () => "accepted",
        (error: Error) => error.message,
      );

    it("with every problem and its path", async () => {
      const message = await rejected({
        definitions: [
          { name: "a-b", value: "request.method" },
          { name: "requests_total", value: "1" },
          { name: "c", type: "TIMER", value: "1 +" },
          { name: "d", value: "kept_by_a_filter" },
        ],
        metrics: [
          { name: "request_total" },
          { name: "tcp_sent_bytes_total" },
          { tags_to_remove: ["reporters"], match: "true" },
          {
            dimensions: {
              "a.b": "'x'",
              b: "respone.code",
              c: "request.method == 1",
              e: "request.path.matches('(a')",
              e2: "request.path.matches(request.method)",
              e3: "string(request.duration)",
              f: "'open",
              g: "1 2",
              h: "upper(request.path)",
            },
          },
        ],
        slo: [{ name: "x", good: "response.code" }, { good: "true" }],
        pathTemplates: ["/{*}x", "users"],
        cardinality: { maxSeries: 0 },
        tcp_reporting_duration: "-5s",
        pathTemplate: [],
      });
      for (const problem of [
        "definitions[0].name: is not a metric name",
        "definitions[0].value: expected a number, truth or duration, found text",
        "definitions[1].name: there is a metric of this name already",
        'definitions[2].type: expected one of "COUNTER", "GAUGE", "HISTOGRAM"',
        "definitions[2].value: column 4: a value is expected here",
        "definitions[3].value: expected a number, truth or duration, found text",
        "metrics[0].name: there is no such metric: the names are requests_total, ",
        "metrics[1].name: this filter does not report metrics of TCP",
        "metrics[2].tags_to_remove[0]: is not one of Istio's standard labels",
        "metrics[2].match: is not supported",
        'metrics[3].dimensions["a.b"]: is not a label name',
        "metrics[3].dimensions.b: column 13: unknown attribute: respone.code",
        "metrics[3].dimensions.c: column 20: expected text, found an integer",
        "metrics[3].dimensions.e: column 22: in the regular expression, column 1: the group is not closed",
        "metrics[3].dimensions.e2: column 22: a text in quotes is expected here",
        "metrics[3].dimensions.e3: column 25: string is for texts, integers, true and false",
        "metrics[3].dimensions.f: column 1: the text is not ended",
        "metrics[3].dimensions.g: column 3: an operator or the end is expected here",
        "metrics[3].dimensions.h: column 7: unknown function: upper",
        "slo[0].good: expected true or false",
        "slo[1].name: is required",
        "pathTemplates[0]: ",
        "pathTemplates[1]: must start with /",
        "cardinality.maxSeries: expected an integer from 1 to 100000",
        "tcp_reporting_duration: expected a duration",
        'pathTemplate: unknown field, did you mean "pathTemplates"?',
      ]) {
        expect(message).toContain(problem);
      }
    });

    it("that asks for path templates and has none", async () => {
      const message = await rejected(probing({ path: "pathTemplate(request.path)" }));
      expect(message).toContain("metrics[0].dimensions.path: column 27: pathTemplate needs pathTemplates");
    });

    it("whose expression is nested without end", async () => {
      const value = "(".repeat(5000) + "1" + ")".repeat(5000);
      expect(await rejected({ definitions: [{ name: "a", value }] })).toContain("nested too deeply");
    });
  });
});
