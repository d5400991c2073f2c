import type { Exchange } from "../serve/serve.ts";
import type { Json } from "./config.ts";
import type { ServedConnection } from "../serve/serve-tcp.ts";

// Access logs among the lines of Envoy's own log, for `tellEnded`.

const marker = "attache-served";

export const exchangeLog = accessLog({
  method: "%REQ(:METHOD)%",
  path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
  status: "%RESPONSE_CODE%",
  milliseconds: "%DURATION%",
});

export const connectionLog = accessLog({
  received: "%BYTES_RECEIVED%",
  sent: "%BYTES_SENT%",
  milliseconds: "%DURATION%",
});

function accessLog(format: Record<string, string>): Json {
  return {
    name: marker,
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StderrAccessLog",
      log_format: { json_format: { log: marker, ...format } },
    },
  };
}

/** Tells of the exchange or connection that a line of Envoy's log is about, if it is. */
export function tellEnded(
  line: string,
  onExchange?: (exchange: Exchange) => void,
  onConnection?: (connection: ServedConnection) => void,
): void {
  if (!line.startsWith("{") || !line.includes(marker)) return;
  const entry = JSON.parse(line) as Record<string, string | number | null>;
  const milliseconds = Number(entry["milliseconds"]);
  if (entry["method"] === undefined) {
    onConnection?.({ received: Number(entry["received"]), sent: Number(entry["sent"]), milliseconds });
    return;
  }
  const status = Number(entry["status"]) || null;
  onExchange?.({ method: String(entry["method"]), path: String(entry["path"]), status, milliseconds });
}
