import { startEmulator } from "@attache/harness";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Metrics } from "../../harness/emulator/metrics.ts";
import { encodePairs } from "../../harness/wasm/pairs.ts";
import { allBut } from "../../test/capabilities.ts";

/** Attributes that the proxy has beside the emulator's own, by their path with dots for NUL. */
const attributes = new Map<string, string>();

// No host here has Istio's filters, node and certificates: their attributes are given to the emulator. Its CEL would not find them.
vi.mock("../../harness/properties/attributes.ts", async (original) => {
  const real = await original<typeof import("../../harness/properties/attributes.ts")>();
  const readProperty: typeof real.readProperty = (context, path) =>
    attributes.get(path.replaceAll("\0", "/")) ?? real.readProperty(context, path);
  return { ...real, readProperty };
});

const module = new URL("build/plugin.wasm", import.meta.url);
const allowedCapabilities = await allBut("proxy_call_foreign_function", module);
const object = (fields: Record<string, string>) => encodePairs(Object.entries(fields).flat());
const direction = (value: number) => String.fromCharCode(value, 0, 0, 0, 0, 0, 0, 0);

const node = {
  "xds/node/metadata/WORKLOAD_NAME": "reviews-v2",
  "xds/node/metadata/NAMESPACE": "shop",
  "xds/node/metadata/CLUSTER_ID": "here",
  "xds/node/metadata/LABELS/app": "reviews",
  "xds/node/metadata/LABELS/version": "v2",
  "xds/node/metadata/LABELS/service.istio.io/canonical-name": "reviews",
  "xds/node/metadata/LABELS/service.istio.io/canonical-revision": "two",
};
const peer = {
  namespace: "other",
  workload: "front-v1",
  service: "front",
  revision: "one",
  app: "front-app",
  version: "v1",
  cluster: "there",
  identity: "spiffe://td/ns/told/sa/front",
  type: "deployment",
};
const service = "xds/cluster_metadata/filter_metadata/istio/services/0";
const own = "spiffe://td/ns/shop/sa/reviews";
const other = "spiffe://td/ns/certified/sa/front";

/** Labels of the series of `istio_requests_total` after one request. */
async function labelsOf(given: Record<string, string>, configuration: object = {}): Promise<Record<string, string>> {
  for (const [path, value] of Object.entries(given)) attributes.set(path, value);
  const define = vi.spyOn(Metrics.prototype, "define");
  await using host = await startEmulator({ plugins: [{ module, configuration, allowedCapabilities }] });
  expect((await host.fetch("/", { headers: { host: "reviews.example:80" } })).status).toBe(200);
  const name = define.mock.calls.map(([, name]) => name).find((name) => name.endsWith(";istio_requests_total"))!;
  const labels = name.split(";.;").slice(0, -1);
  return Object.fromEntries(labels.map((label) => label.split("=.=") as [string, string]));
}

describe("metrics of an Istio proxy [emulator]", () => {
  beforeEach(() => {
    vi.restoreAllMocks();
    attributes.clear();
  });

  const ownSide = (side: string) => ({
    [`${side}_workload`]: "reviews-v2",
    [`${side}_workload_namespace`]: "shop",
    [`${side}_app`]: "reviews",
    [`${side}_version`]: "v2",
    [`${side}_canonical_service`]: "reviews",
    [`${side}_canonical_revision`]: "two",
    [`${side}_cluster`]: "here",
  });
  const peerSide = (side: string) => ({
    [`${side}_workload`]: "front-v1",
    [`${side}_workload_namespace`]: "other",
    [`${side}_app`]: "front-app",
    [`${side}_version`]: "v1",
    [`${side}_canonical_service`]: "front",
    [`${side}_canonical_revision`]: "one",
    [`${side}_cluster`]: "there",
  });

  it("tell the client of an inbound request, its own workload, and that TLS was mutual", async () => {
    const labels = await labelsOf({
      ...node,
      "xds/listener_direction": direction(1),
      "filter_state/downstream_peer": object(peer),
      "connection/tls_version": "TLSv1.3",
      "connection/uri_san_peer_certificate": other,
      "connection/uri_san_local_certificate": own,
      [service]: object({ host: "reviews.shop.svc" }),
    });
    expect(labels).toMatchObject({
      ...ownSide("destination"),
      ...peerSide("source"),
      reporter: "destination",
      source_workload_namespace: "certified",
      source_principal: other,
      destination_principal: own,
      destination_service: "reviews.shop.svc",
      destination_service_name: "reviews",
      destination_service_namespace: "shop",
      connection_security_policy: "mutual_tls",
    });
  });

  it("take principals that Istio's authentication has left, before those of certificates", async () => {
    const labels = await labelsOf({
      ...node,
      "xds/listener_direction": direction(1),
      "filter_state/io.istio.peer_principal": other,
      "filter_state/io.istio.local_principal": own,
    });
    expect(labels).toMatchObject({
      source_principal: other,
      destination_principal: own,
      source_workload: "unknown",
      source_canonical_revision: "latest",
      source_workload_namespace: "certified",
      connection_security_policy: "mutual_tls",
    });
  });

  it("tell the service and workload of an outbound request", async () => {
    const labels = await labelsOf({
      ...node,
      "xds/listener_direction": direction(2),
      "filter_state/upstream_peer": object(peer),
      [service]: object({ host: "front.other.svc", name: "front-name", namespace: "service-namespace" }),
    });
    expect(labels).toMatchObject({
      ...ownSide("source"),
      ...peerSide("destination"),
      reporter: "source",
      source_principal: "unknown",
      destination_principal: peer.identity,
      destination_workload_namespace: "told",
      destination_service: "front.other.svc",
      destination_service_name: "front-name",
      destination_service_namespace: "service-namespace",
      connection_security_policy: "unknown",
    });
  });

  it("fall back to the endpoint's metadata, and to the host", async () => {
    const endpoint = "xds/upstream_host_metadata/filter_metadata/istio/workload";
    const labels = await labelsOf({ ...node, [endpoint]: "front-v1;other;front;one;there" });
    expect(labels).toMatchObject({
      ...peerSide("destination"),
      destination_app: "unknown",
      destination_version: "unknown",
      destination_service: "reviews.example:80",
      destination_service_name: "reviews.example:80",
      destination_service_namespace: "other",
    });
  });

  it("tell a waypoint's both sides from what its peers told", async () => {
    const given = { ...node, "filter_state/downstream_peer": object(peer) };
    const upstream = object({ ...peer, workload: "back-v1", revision: "" });
    const labels = await labelsOf({ ...given, "filter_state/upstream_peer": upstream }, { reporter: "SERVER_GATEWAY" });
    expect(labels).toMatchObject({
      ...peerSide("source"),
      ...peerSide("destination"),
      reporter: "waypoint",
      destination_workload: "back-v1",
      destination_canonical_revision: "unknown",
      destination_principal: peer.identity,
      connection_security_policy: "none",
    });
  });

  it.each([
    ["route", "block_all", "BlackHoleCluster"],
    ["route", "allow_any", "PassthroughCluster"],
    ["cluster", "InboundPassthroughClusterIpv4", "InboundPassthroughClusterIpv4"],
    ["cluster", "outbound|80||a", "reviews.example:80"],
  ])("name the service after the %s %s", async (kind, value, expected) => {
    const labels = await labelsOf({ ...node, [`xds/${kind}_name`]: value });
    expect(labels.destination_service_name).toBe(expected);
    expect(labels.destination_service).toBe("reviews.example:80");
  });

  it.each([
    ["nothing", ""],
    ["too little", "\x01"],
    ["more entries than bytes", "\xff\xff\xff\xff"],
    ["a size beyond the end", "\x01\0\0\0\x08\0\0\0\xff\xff\xff\xffworkload\0x\0"],
    ["a name beyond the end", "\x01\0\0\0\xff\xff\xff\x7f\x01\0\0\0workload\0x\0"],
  ])("take a peer that is %s for unknown", async (_, blob) => {
    const labels = await labelsOf({ ...node, "filter_state/upstream_peer": blob });
    expect(labels).toMatchObject({ destination_workload: "unknown", ...ownSide("source") });
  });

  it.each([
    ["-", 0],
    ["UF,URX", 0x8020],
    ["LH,UDO", 0x20000001],
  ])("name the response flags %s", async (expected, bits) => {
    const value = Buffer.alloc(8);
    value.writeUInt32LE(bits);
    expect((await labelsOf({ "response/flags": value.toString("latin1") })).response_flags).toBe(expected);
  });

  it("find the labels of workloads at both ends", async () => {
    const dimensions = { a: 'source.labels["team"] | "none"', b: "destination.labels.team | 'none'" };
    const given = {
      ...node,
      "xds/node/metadata/LABELS/team": "blue",
      "filter_state/upstream_peer/labels/team": "red",
    };
    const configuration = { metrics: [{ dimensions }] };
    expect(await labelsOf(given, configuration)).toMatchObject({ a: "blue", b: "red" });
    vi.restoreAllMocks();
    const inbound = { "xds/listener_direction": direction(1) };
    expect(await labelsOf(inbound, configuration)).toMatchObject({ a: "none", b: "blue" });
  });
});
