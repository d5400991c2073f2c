import type { Exchange } from "../serve/serve.ts";

const marker = "attache-exchange";

/** An access log among the lines of Envoy's own, for {@link readExchange}. */
export const exchangeLog = {
  name: marker,
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StderrAccessLog",
    log_format: {
      json_format: {
        log: marker,
        method: "%REQ(:METHOD)%",
        path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
        status: "%RESPONSE_CODE%",
        milliseconds: "%DURATION%",
      },
    },
  },
};

/** The exchange that a line of Envoy's log is about; `null` for any other line. */
export function readExchange(line: string): Exchange | null {
  if (!line.startsWith("{") || !line.includes(marker)) return null;
  const { method, path, status, milliseconds } = JSON.parse(line) as Record<keyof Exchange, string | number | null>;
  return {
    method: String(method ?? ""),
    path: String(path ?? ""),
    status: Number(status) === 0 ? null : Number(status),
    milliseconds: Number(milliseconds),
  };
}
