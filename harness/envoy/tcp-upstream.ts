import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { TcpCluster, UpstreamConnection } from "../host.ts";
import { Received } from "../tcp/received.ts";

/** The end of a connection is an event of its own, as in the emulator: the proxy would read it with the bytes before. */
const apartMs = 20;

/** A mocked TCP cluster as a real server on loopback, for Envoy to reach. */
export class MockTcpServer {
  readonly connections: UpstreamConnection[] = [];
  answer: TcpCluster;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  static async start(answer: TcpCluster): Promise<MockTcpServer> {
    const mock = new MockTcpServer(answer);
    await new Promise<void>((resolve) => mock.server.listen(0, "127.0.0.1", resolve));
    return mock;
  }

  private constructor(answer: TcpCluster) {
    this.answer = answer;
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.serve(socket));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    const received = new Received();
    this.connections.push({
      get received() {
        return received.bytes;
      },
      get state() {
        return received.state;
      },
    });
    let lastWrite = -Infinity;
    const end = () => {
      const waitMs = lastWrite + apartMs - performance.now();
      if (waitMs > 0) setTimeout(() => socket.end(), waitMs);
      else socket.end();
    };
    const handlers = this.answer.tcp({
      write: (data) => {
        lastWrite = performance.now();
        socket.write(data);
      },
      end,
      reset: () => socket.resetAndDestroy(),
    });
    socket.on("data", (bytes) => {
      received.add(bytes);
      handlers.data?.(bytes);
    });
    socket.on("end", () => {
      received.end("ended");
      if (handlers.end === undefined) end();
      else handlers.end();
    });
    socket.on("error", () => received.end("reset"));
    socket.on("close", () => this.sockets.delete(socket));
  }
}
