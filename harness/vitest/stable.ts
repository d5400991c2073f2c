import { table } from "@attache/abi";

/**
 * Lines of a transcript or a log without what differs from run to run and from build to build, for snapshots: addresses in
 * the guest's memory, ids of requests, dates, how long an upstream took, ports, and the numbers that queues and versions of
 * shared data happen to have.
 *
 * ```ts
 * expect(stable(host.transcript)).toMatchSnapshot();
 * ```
 */
export function stable(lines: readonly string[]): string[] {
  return lines.map((line) => withoutAddresses(stableLine(line)));
}

/** One line of {@link stable}, with its addresses: they are the same in each host. */
export function stableLine(line: string): string {
  return masks.reduce((masked, [pattern, mask]) => masked.replace(pattern, mask), line);
}

const masks: readonly [pattern: RegExp, mask: string][] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<uuid>"],
  [/x-envoy-upstream-service-time: \d+/g, "x-envoy-upstream-service-time: <ms>"],
  [/x-envoy-upstream-service-time=\d+/g, "x-envoy-upstream-service-time=<ms>"],
  [/(\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT)/g, "<date>"],
  [/(_shared_queue\()[1-9]\d*(,|\))/, "$1<token>$2"],
  [/(proxy_on_queue_ready\(\d+, )\d+/, "$1<token>"],
  [/(proxy_set_shared_data\(.*, )[1-9]\d*\)/, "$1<version>)"],
  [/127\.0\.0\.1:\d+/g, "127.0.0.1:<port>"],
];

/** Which parameters of a function are addresses. */
const addresses = new Map(
  [...table.hostFunctions, ...table.wasiFunctions].map(({ name, params }) => [
    name,
    params.map((param) => param.name.endsWith("_ptr")),
  ]),
);

function withoutAddresses(line: string): string {
  const [, before, name, values] = /^(\[vm->host\] \w+\.(\w+)\()(.*)\)$/.exec(line) ?? [];
  if (before !== undefined) {
    const isAddress = addresses.get(name!);
    const shown = values!.split(", ").map((value, i) => (isAddress?.[i] === true ? "*" : value));
    return `${before}${shown.join(", ")})`;
  }
  return line.replace(/^(\[host<-vm\] (?:malloc|proxy_on_memory_allocate) return: )\d+/, "$1*");
}
