import type { GuestCallbacks, GuestWriter } from "../../../harness/testing/guest.ts";
import type { Scenario, ScenarioPlugin, ScenarioRequest } from "../scenario.ts";

/** The callbacks of a stream, in their order. */
export const streamCallbacks = [
  "proxy_on_context_create",
  "proxy_on_request_headers",
  "proxy_on_request_body",
  "proxy_on_request_trailers",
  "proxy_on_response_headers",
  "proxy_on_response_body",
  "proxy_on_response_trailers",
  "proxy_on_log",
  "proxy_on_done",
  "proxy_on_delete",
] as const;

/** A request and an answer that have all parts, so that every callback comes. */
export const fullRequest: ScenarioRequest = {
  path: "/path?query=1",
  method: "POST",
  headers: { "x-a": "1", "transfer-encoding": "chunked" },
  body: "request body",
  trailers: { "x-trailer": "t" },
};

export const fullClusters = {
  up: () => ({
    status: 200,
    headers: { "x-up": "1", "transfer-encoding": "chunked" },
    body: "response body",
    trailers: { "x-up-trailer": "u" },
  }),
};

/** What a callback returns to let the stream go on; nothing when it has no result. */
export function goOn(callback: string): string {
  if (callback === "proxy_on_done") return "(i32.const 1)";
  return /headers|body|trailers/.test(callback) ? "(i32.const 0)" : "";
}

/** A guest that does something in one callback only. */
export function only(callback: string, body: (w: GuestWriter) => string): (w: GuestWriter) => GuestCallbacks {
  return (w) => ({ [callback]: `${body(w)} ${goOn(callback)}` });
}

export function shortName(callback: string): string {
  return callback.replace("proxy_on_", "").replaceAll("_", " ");
}

type Acting = Omit<Scenario, "name" | "covers" | "plugins"> & { plugin?: Partial<ScenarioPlugin> };

/** A scenario of one guest that acts when a request comes. */
export function whenRequested(
  name: string,
  covers: Scenario["covers"],
  act: (w: GuestWriter) => string,
  { plugin = {}, ...scenario }: Acting = {},
): Scenario {
  return { name, ...scenario, covers: covers!, plugins: [{ guest: only("proxy_on_request_headers", act), ...plugin }] };
}
