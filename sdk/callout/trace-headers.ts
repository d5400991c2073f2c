import { HeaderList } from "../http/header-list";
import { RequestHeaders } from "../http/headers";

/** Copies the headers that tracers link spans by: W3C Trace Context, Zipkin's B3, Envoy's own, Lightstep, Google Cloud, OpenCensus. */
export function copyTraceHeaders(from: RequestHeaders, to: HeaderList): void {
  const count = from.count; // All headers at once.
  if (count == 0) return;
  copyHeader(from, to, "traceparent");
  copyHeader(from, to, "tracestate");
  copyHeader(from, to, "b3");
  copyHeader(from, to, "x-b3-traceid");
  copyHeader(from, to, "x-b3-spanid");
  copyHeader(from, to, "x-b3-parentspanid");
  copyHeader(from, to, "x-b3-sampled");
  copyHeader(from, to, "x-b3-flags");
  copyHeader(from, to, "x-request-id");
  copyHeader(from, to, "x-ot-span-context");
  copyHeader(from, to, "x-cloud-trace-context");
  copyHeader(from, to, "grpc-trace-bin");
}

function copyHeader(from: RequestHeaders, to: HeaderList, name: string): void {
  const value = from.get(name);
  if (value !== null) to.add(name, value);
}
