import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import type { RealCluster } from "@attache/harness";

let address: Promise<RealCluster> | null = null;

/** A TCP server on this machine that sends back what comes; it ends with this process. */
export async function echoServer(): Promise<RealCluster> {
  return await (address ??= startEcho());
}

async function startEcho(): Promise<RealCluster> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}
