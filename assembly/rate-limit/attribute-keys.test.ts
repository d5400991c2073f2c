import { startEmulator, type HostOptions } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);

/** One request for each key. */
const proxy = (...key: object[]): HostOptions => ({
  plugins: [{ name: "rate-limit", module, configuration: { limits: [{ name: "by", key, limit: 1, per: "1h" }] } }],
  clusters: { one: () => ({}), two: () => ({}) },
  routes: [
    { name: "first", match: { prefix: "/1" }, cluster: "one" },
    { name: "second", match: { prefix: "/2" }, cluster: "two" },
    { name: "third", match: { prefix: "/3" }, cluster: "two" },
  ],
});

eachHost("rate-limit's keys that the proxy knows", (start) => {
  const statuses = async (key: object, ...paths: string[]) => {
    await using host = await start(proxy(key));
    const found = [];
    for (const path of paths) found.push((await host.fetch(path)).status);
    return found;
  };

  it("are the route", async () => {
    expect(await statuses({ route: {} }, "/1/a", "/1/b", "/2", "/3")).toEqual([200, 429, 200, 200]);
  });

  it("are the cluster that the request goes to", async () => {
    expect(await statuses({ destinationCluster: {} }, "/1/a", "/1/b", "/2", "/3")).toEqual([200, 429, 200, 429]);
  });

  it("are the cluster that the proxy belongs to", async () => {
    expect(await statuses({ sourceCluster: {} }, "/1", "/2")).toEqual([200, 429]);
  });

  it("are the connection: each of these requests has its own", async () => {
    expect(await statuses({ connection: {} }, "/1", "/1", "/1")).toEqual([200, 200, 200]);
  });
});

// Requests over one connection, with client certificates, and with metadata of other filters: only the emulator sends these here.
describe("rate-limit's keys that the proxy knows [emulator]", () => {
  it("are the connection", async () => {
    await using host = await startEmulator(proxy({ connection: {} }));
    const found = [];
    for (const connection of [host.connect(), host.connect()]) {
      for (let request = 0; request < 2; request++) found.push((await host.fetch("/1", { connection })).status);
    }
    expect(found).toEqual([200, 429, 200, 429]);
  });

  it.each(["principal", "consumer"])("are the identity in the client's certificate (%s)", async (kind) => {
    await using host = await startEmulator(proxy({ [kind]: {} }));
    const from = (uriSan: string) => ({ connection: { ...host.connect(), tls: { peerCertificate: { uriSan } } } });
    const found = [];
    for (const uri of ["spiffe://a/ns/b/sa/c", "spiffe://a/ns/b/sa/c", "spiffe://a/ns/b/sa/d"]) {
      found.push((await host.fetch("/1", from(uri))).status);
    }
    // Who has none is not limited.
    for (let request = 0; request < 2; request++) found.push((await host.fetch("/1")).status);
    expect(found).toEqual([200, 429, 200, 200, 200]);
  });

  it("are metadata of filters before", async () => {
    await using host = await startEmulator(proxy({ metadata: { filter: "a.b", path: ["c"] } }));
    const found = [];
    for (const value of ["1", "1", "2"]) {
      found.push((await host.fetch("/1", { dynamicMetadata: { "a.b": { c: value } } })).status);
    }
    for (let request = 0; request < 2; request++) found.push((await host.fetch("/1")).status);
    expect(found).toEqual([200, 429, 200, 200, 200]);
  });
});
