import { once } from "node:events";
import { request } from "node:http";
import { Emulator, HeaderMap, type Host } from "@attache/harness";
import type { Envoy } from "@attache/harness/envoy";

/** Sends a request and goes away at once. */
export async function leave(host: Host, headers: Record<string, string> = {}): Promise<void> {
  if (host instanceof Emulator) leaveEmulator(host, headers);
  else await leaveEnvoy((host as Envoy).address, headers);
}

function leaveEmulator(host: Emulator, headers: Record<string, string>): void {
  const nobody = { headers() {}, data() {}, trailers() {}, reset() {}, pauseRequest() {} };
  const stream = host.openStream(nobody);
  const pseudo = { ":authority": "localhost", ":path": "/", ":method": "GET", ":scheme": "http" };
  stream.headers(HeaderMap.from("requestHeaders", Object.entries({ ...pseudo, ...headers })), true);
  stream.clientReset();
}

async function leaveEnvoy(address: string, headers: Record<string, string>): Promise<void> {
  const outgoing = request(address, { headers });
  outgoing.on("error", () => {});
  outgoing.end();
  await once(outgoing, "finish");
  outgoing.destroy();
}
