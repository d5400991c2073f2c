import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { RealCluster } from "@attache/harness";

/** One version of the small app behind the proxy: says which version it is and what it was asked. */
export class App {
  private readonly server: Server;

  static async start(version: string): Promise<App> {
    const app = new App(version);
    await new Promise<void>((resolve) => app.server.listen(0, "127.0.0.1", resolve));
    return app;
  }

  private constructor(version: string) {
    this.server = createServer((request, response) => {
      response.setHeader("content-type", "text/plain");
      response.setHeader("x-version", version);
      response.end(`${version} answers ${request.method} ${request.url}\n`);
    });
  }

  get address(): RealCluster {
    return { host: "127.0.0.1", port: (this.server.address() as AddressInfo).port };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
