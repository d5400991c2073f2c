import { readdirSync, readFileSync } from "node:fs";
import { eachHost } from "@attache/harness/vitest";
import { beforeAll, describe, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

/** Every accessor without arguments, with the type it answers: `request.path: string | null`. */
const accessors = readdirSync(new URL(".", import.meta.url))
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
  .flatMap((name) => {
    const source = readFileSync(new URL(name, import.meta.url), "utf8");
    return [...source.matchAll(/^export class (\w+) \{$(.*?)^\}$/gms)].flatMap(([, group, body]) =>
      [...body!.matchAll(/static get (\w+)\(\): ([^{]+) \{/g)].map(([, name, type]) => ({
        name: `${group}.${name}`,
        type: type!,
      })),
    );
  });

const imported = `import {
  attributeBool, attributeInteger, attributeNumber, attributeText, connection, destination, filterMetadata,
  getProperty, getPropertyAt, pluginIdentity, request, response, setProperty, setPropertyBytes, source, upstream, xds,
} from "@attache/sdk";\n`;

const written = {
  "string | null": (name: string) => `orNone(${name})`,
  "ByteView | null": (name: string) => `(${name} === null ? "none" : ${name}!.length.toString() + " bytes")`,
} as Record<string, (name: string) => string>;

/** A filter that logs all attributes in every callback, as `phase name=value`. */
const reporting = `${imported}
function orNone(value: string | null): string { return value === null ? "none" : "'" + value + "'"; }
function report(phase: string): void {
  ${accessors
    .map(({ name, type }) => `log.info(phase + " ${name}=" + ${written[type]?.(name) ?? `${name}.toString()`});`)
    .join("\n  ")}
  log.info(phase + " request.header=" + orNone(request.header("x-a")));
  log.info(phase + " response.header=" + orNone(response.header("x-b")));
  log.info(phase + " response.trailer=" + orNone(response.trailer("x-c")));
  log.info(phase + " xds.nodeMetadata=" + orNone(xds.nodeMetadata("NAME")));
  log.info(phase + " filterMetadata=" + orNone(filterMetadata.getText("f.g", "k"))
    + filterMetadata.getNumber("f.g", "k").toString() + filterMetadata.getBool("f.g", "k", true).toString());
  log.info(phase + " done");
}
${filterSource(
  `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    report("requestHeaders"); return FilterHeaders.Continue; }
  override onRequestBody(body: Body, endOfStream: bool): FilterData {
    if (endOfStream) report("requestBody"); return FilterData.Continue; }
  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    report("responseHeaders"); return FilterHeaders.Continue; }
  override onResponseBody(body: Body, endOfStream: bool): FilterData {
    if (endOfStream) report("responseBody"); return FilterData.Continue; }
  override onLog(): void { report("log"); }
  override onDone(): void { report("done"); }
  override onDelete(): void { report("delete"); }`,
  `override configure(config: ConfigReader): void { report("configure"); }
  override onDone(): bool { report("pluginDone"); return true; }`,
)}`;

/** What both hosts agree on once addresses, ports, ids, sizes with headers and times are left out. */
const expected: Record<string, Record<string, string>> = {
  configure: {
    "request.path": "none",
    "request.timeNs": "-1",
    "request.size": "-1",
    "response.code": "-1",
    "response.flags": "-1",
    "source.address": "none",
    "source.port": "-1",
    "connection.id": "-1",
    "connection.mtls": "false",
    "upstream.numEndpoints": "-1",
    "xds.nodeId": "'attache'",
    "xds.nodeCluster": "'attache'",
    "xds.nodeMetadata": "none",
    "xds.routeName": "none",
    "xds.listenerDirection": "-1",
    "pluginIdentity.name": "'it'",
    "pluginIdentity.rootId": "'root'",
    "pluginIdentity.vmId": "'vm'",
    filterMetadata: "noneNaNtrue",
  },
  requestHeaders: {
    "request.path": "'/a/b?c=d'",
    "request.urlPath": "'/a/b'",
    "request.query": "'c=d'",
    "request.host": "'x.com'",
    "request.scheme": "'http'",
    "request.method": "'POST'",
    "request.referer": "'http://r/'",
    "request.userAgent": "'test'",
    "request.protocol": "'HTTP/1.1'",
    "request.durationNs": "-1",
    "request.size": "5",
    "request.header": "'1,2'",
    "response.code": "-1",
    "response.codeDetails": "none",
    "response.flags": "0",
    "response.grpcStatus": "-1",
    "response.headersBytes": "0",
    "response.size": "0",
    "response.backendLatencyNs": "-1",
    "response.header": "none",
    "response.trailer": "none",
    "connection.mtls": "false",
    "connection.requestedServerName": "''",
    "connection.tlsVersion": "none",
    "connection.peerCertificate": "none",
    "connection.terminationDetails": "none",
    "upstream.address": "none",
    "upstream.port": "-1",
    "xds.clusterName": "'up'",
    "xds.routeName": "'main'",
    "xds.listenerDirection": "0",
    "xds.filterChainName": "''",
    "xds.nodeId": "'attache'",
    "pluginIdentity.name": "'it'",
    filterMetadata: "noneNaNtrue",
  },
  responseHeaders: {
    "request.path": "none",
    "request.method": "none",
    "request.header": "none",
    "request.headersBytes": "0",
    "request.size": "5",
    "request.protocol": "'HTTP/1.1'",
    "request.durationNs": "-1",
    "response.code": "200",
    "response.codeDetails": "'via_upstream'",
    "response.flags": "0",
    "response.grpcStatus": "3",
    "response.header": "'y'",
    "response.trailer": "none",
    "upstream.numEndpoints": "1",
    "upstream.requestAttemptCount": "1",
    "upstream.tlsVersion": "none",
    "xds.routeName": "'main'",
  },
  log: {
    "request.path": "'/a/b?c=d'",
    "request.method": "'POST'",
    "request.header": "'1,2'",
    "request.size": "5",
    "response.code": "200",
    "response.grpcStatus": "3",
    "response.header": "'y'",
    "response.size": "2",
    "connection.terminationDetails": "none",
    "upstream.numEndpoints": "1",
    "xds.routeName": "'main'",
    "pluginIdentity.vmId": "'vm'",
  },
};

eachHost("attributes", (start) => {
  let module: Uint8Array;
  beforeAll(async () => {
    module = await compileFilter(reporting);
  });

  const run = async () => {
    const host = await start({
      plugins: [{ module, name: "it", rootId: "root", vmId: "vm" }],
      clusters: { up: () => ({ headers: { "x-b": "y", "grpc-status": "3" }, body: "ok" }) },
      routes: [{ name: "main", match: { prefix: "/" }, cluster: "up" }],
    });
    const headers = { host: "x.com", "x-a": ["1", "2"], referer: "http://r/", "user-agent": "test" };
    await host.fetch("/a/b?c=d", { method: "POST", body: "hello", headers });
    await host.waitForLog("delete done");
    return host;
  };

  const valuesIn = (messages: readonly { message: string }[], phase: string) =>
    Object.fromEntries(
      messages
        .filter(({ message }) => message.startsWith(`${phase} `) && message.includes("="))
        .map(({ message }) => {
          const text = message.slice(phase.length + 1);
          return [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)];
        }),
    );

  it("have their values where they exist and are absent elsewhere", async () => {
    await using host = await run();
    for (const [phase, values] of Object.entries(expected))
      expect(valuesIn(host.logs, phase), phase).toMatchObject(values);
  });

  it("tell addresses, times and sizes in their units", async () => {
    await using host = await run();
    const values = valuesIn(host.logs, "log");
    for (const name of ["source", "destination", "upstream"]) {
      expect(values[`${name}.address`]).toBe(`'127.0.0.1:${values[`${name}.port`]}'`);
      expect(Number(values[`${name}.port`])).toBeGreaterThan(0);
    }
    expect(values["upstream.localAddress"]).toMatch(/^'127\.0\.0\.1:\d+'$/);
    expect(Number(values["connection.id"])).toBeGreaterThanOrEqual(0);
    // The emulator's clock stands still unless a test moves it.
    expect(Number(values["request.timeNs"])).toBeGreaterThan(1e18);
    for (const name of ["request.durationNs", "response.backendLatencyNs", "upstream.cxPoolReadyDurationNs"]) {
      expect(Number(values[name])).toBeGreaterThanOrEqual(0);
      expect(Number(values[name])).toBeLessThan(20e9);
    }
    expect(Number(values["request.totalSize"])).toBeGreaterThan(Number(values["request.headersBytes"]));
    expect(Number(values["response.totalSize"])).toBeGreaterThan(Number(values["response.headersBytes"]));
  });

  it("can all be read in every callback", async () => {
    await using host = await run();
    for (const phase of [
      "configure",
      "requestHeaders",
      "requestBody",
      "responseHeaders",
      "responseBody",
      "log",
      "done",
      "delete",
    ]) {
      const names = Object.keys(valuesIn(host.logs, phase));
      expect(names, phase).toEqual(expect.arrayContaining(accessors.map(({ name }) => name)));
    }
  });
});

eachHost("properties", (start) => {
  it("are kept on the stream, and read back as the type they were written in", async () => {
    const module = await compileFilter(
      imported +
        filterSource(
          `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
            const eight = new Uint8Array(8);
            store<f64>(eight.dataStart, 1.5);
            log.info("set " + setProperty("text", "caf\\u00e9").toString() + setPropertyBytes("eight", ByteView.from(eight)).toString()
              + setProperty("a\\0b", "c").toString() + setProperty("digits", "12345678").toString()
              + setProperty("truth", "true").toString() + setProperty("empty", "").toString());
            return FilterHeaders.Continue;
          }
          override onLog(): void {
            log.info("late " + setProperty("late", "1").toString() + setProperty("late", "2").toString()
              + attributeText(getProperty("late"))!);
            log.info("read " + attributeText(getProperty("text"))! + " " + attributeNumber(getProperty("eight")).toString()
              + " " + attributeInteger(getProperty("eight")).toString() + " " + attributeInteger(getProperty("digits")).toString()
              + " " + attributeBool(getProperty("truth")).toString());
            log.info("odd " + attributeInteger(getProperty("text")).toString() + attributeInteger(getProperty("text"), 7).toString()
              + attributeNumber(getProperty("text")).toString() + attributeBool(getProperty("text"), true).toString()
              + " '" + attributeText(getProperty("empty"))! + "' " + attributeInteger(getProperty("empty")).toString());
            log.info("absent " + (getProperty("a", "b") === null).toString() + (getProperty("nope") === null).toString()
              + (getProperty("") === null).toString() + (getProperty("request") === null).toString());
            log.info("paths " + attributeText(getProperty("filter_state", "wasm.text"))!
              + attributeText(getPropertyAt("filter_state\\0wasm.text"))!
              + (getProperty("metadata", "filter_metadata", "a.b", "c", "d", "e") === null).toString());
          }`,
          `override configure(config: ConfigReader): void { log.info("plugin " + setProperty("text", "1").toString()); }`,
        ),
    );
    await using host = await start({ plugins: [{ module }] });
    await host.waitForLog("plugin false");
    await host.fetch("/");
    await host.waitForLog("set truetruetruetruetruetrue");
    await host.waitForLog("late truetrue2");
    await host.waitForLog("read café 1.5 4609434218613702656 12345678 true");
    await host.waitForLog("odd -17NaNtrue '' -1");
    await host.waitForLog("absent truetruetruetrue");
    await host.waitForLog("paths cafécafétrue");
  });
});

describe("the attribute accessors", () => {
  const sources = readdirSync(new URL(".", import.meta.url))
    .map((name) => readFileSync(new URL(name, import.meta.url), "utf8"))
    .join("");
  const tls = [
    ...["tls_version", "subject_local_certificate", "subject_peer_certificate", "dns_san_local_certificate"],
    ...["dns_san_peer_certificate", "uri_san_local_certificate", "uri_san_peer_certificate"],
    "sha256_peer_certificate_digest",
  ];

  it.each(
    Object.entries({
      request: [
        ...[
          "path",
          "url_path",
          "host",
          "scheme",
          "method",
          "headers",
          "referer",
          "useragent",
          "time",
          "id",
          "protocol",
        ],
        ...["query", "duration", "size", "total_size", "headers_bytes"],
      ],
      response: [
        ...["code", "code_details", "flags", "grpc_status", "headers", "trailers", "size", "total_size"],
        ...["headers_bytes", "backend_latency"],
      ],
      source: ["address", "port"],
      destination: ["address", "port"],
      connection: [
        ...["id", "mtls", "requested_server_name", "termination_details", "transport_failure_reason"],
        ...["peer_certificate", ...tls],
      ],
      upstream: [
        ...["address", "port", "local_address", "transport_failure_reason", "request_attempt_count"],
        ...["cx_pool_ready_duration", "num_endpoints", "locality", ...tls],
      ],
      metadata: ["filter_metadata"],
      xds: [
        ...["node", "cluster_name", "cluster_metadata", "listener_direction", "listener_metadata", "route_name"],
        ...["route_metadata", "virtual_host_name", "virtual_host_metadata", "upstream_host_metadata"],
        ...["upstream_host_locality_metadata", "filter_chain_name"],
      ],
    }).flatMap(([group, names]) => names.map((name) => [`${group}.${name}`])),
  )("include %s", (path) => {
    expect(sources.replaceAll("\\0", ".")).toMatch(new RegExp(`getProperty(At)?\\(\\s*"${path}"`));
  });
});
