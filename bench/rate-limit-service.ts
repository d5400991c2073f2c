import { RateLimitServer } from "../test/e2e/ratelimit/processes.ts";
import { findRateLimitService } from "../test/e2e/ratelimit/program.ts";

/** The clusters by which Envoy reaches a server that runs beside it while a case is measured. */
export interface Surroundings extends AsyncDisposable {
  clusters: Record<string, unknown>[];
}

/** The rate limit service with its Redis, reached by the clusters `service-grpc` and `service-http`. */
export async function startRateLimitService(limits: string): Promise<Surroundings> {
  const program = await findRateLimitService();
  if (program === null) throw new Error("the rate limit service is not built: run `npm run setup -- --all` first");
  const server = await RateLimitServer.start(program, limits);
  const http2 = {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http2_protocol_options: {} },
    },
  };
  const cluster = (name: string, port: number, more: object = {}) => ({
    name,
    load_assignment: {
      cluster_name: name,
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } } }] },
      ],
    },
    ...more,
  });
  return {
    clusters: [
      cluster("service-grpc", server.service.port, { typed_extension_protocol_options: http2 }),
      cluster("service-http", server.httpPort),
    ],
    [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose](),
  };
}
