import { table } from "@attache/abi";
import { encodePairs } from "../../harness/wasm/pairs.ts";
import type { GuestCallbacks, GuestWriter } from "../../harness/testing/guest.ts";
import { Dice } from "./dice.ts";
import type { Scenario, ScenarioPlugin, ScenarioRequest } from "./scenario.ts";

/**
 * A scenario out of a seed: one to three guests whose callbacks make random host calls and return random statuses, and
 * random traffic. Left out is only what `docs/reference/emulator.md` lists as different on purpose, and what crashes Envoy.
 */
export function randomScenario(seed: number): Scenario {
  const dice = new Dice(seed);
  const usesMetrics = dice.chance(0.15);
  return {
    name: `random: seed ${seed}`,
    plugins: dice.list(1, 3, (i) => randomPlugin(dice, `p${i}`, usesMetrics)),
    ...(dice.chance(0.1)
      ? { clusters: {} }
      : {
          clusters: { up: answerOf(dice), side: () => ({}) },
          routes: [{ match: { prefix: "/" }, cluster: "up" }],
        }),
    requests: dice.list(1, 3, () => randomRequest(dice)),
  };
}

const names = [
  ":path",
  ":method",
  ":authority",
  "host",
  "x-a",
  "X-B",
  "x-c",
  "cookie",
  "user-agent",
  "te",
  "",
  ":status",
];
const values = ["1", "two", "", "a,b", "\xc3\xa9", "/p?q#f", "x".repeat(300)];
const texts = ["", "a", "hello", "\0\xff", "z".repeat(1000)];
const paths = [
  "request.path",
  "request.method",
  "request.headers.x-a",
  "request.protocol",
  "request.query",
  "request.size",
  "response.code",
  "response.flags",
  "response.headers.x-up",
  "plugin_name",
  "plugin_root_id",
  "plugin_vm_id",
  "xds.cluster_name",
  "xds.route_name",
  "xds.node.id",
  "upstream.num_endpoints",
  "connection.mtls",
  "filter_state.nope",
  "nope",
  "request",
  "mine",
  "",
];

function answerOf(dice: Dice) {
  const status = dice.of([200, 200, 204, 404, 503]);
  const headers: Record<string, string> = { "x-up": dice.of(values).replaceAll("\xc3\xa9", "e") };
  if (dice.chance(0.3)) headers["set-cookie"] = "a=b";
  const hasBody = status !== 204 && dice.chance(0.8);
  if (hasBody) headers["transfer-encoding"] = "chunked";
  const trailers = hasBody && dice.chance(0.2) ? { "x-t": "1" } : undefined;
  const body = hasBody ? dice.of(["ok", "hello world", "y".repeat(2000)]) : undefined;
  return () => ({
    status,
    headers,
    ...(body === undefined ? {} : { body }),
    ...(trailers === undefined ? {} : { trailers }),
  });
}

function randomRequest(dice: Dice): ScenarioRequest {
  const headers: Record<string, string | string[]> = { host: "example.com" };
  for (const name of dice.some(["x-a", "x-b", "x-c", "cookie", "user-agent", "accept"], 0.4)) {
    headers[name] = dice.chance(0.2) ? ["1", "2"] : dice.of(["1", "two", "a,b", "z".repeat(200)]);
  }
  const path = dice.of(["/", "/a", "/a/b?c=d", "/%2e%2e/x", "//double", "/" + "p".repeat(300)]);
  if (!dice.chance(0.5)) return { path, headers, method: dice.of(["GET", "GET", "HEAD", "DELETE", "OPTIONS"]) };
  headers["transfer-encoding"] = "chunked";
  const trailers = dice.chance(0.2) ? { trailers: { "x-t": "1", "X-U": "2" } } : {};
  return {
    path,
    headers,
    method: dice.of(["POST", "PUT"]),
    body: dice.of(["body", "0123456789".repeat(50)]),
    ...trailers,
  };
}

function randomPlugin(choices: Dice, name: string, usesMetrics: boolean): ScenarioPlugin {
  const seed = choices.fork();
  // Written anew for each host, and the same each time.
  const guest = (w: GuestWriter): GuestCallbacks => {
    const dice = seed.copy();
    const callbacks = dice.some(streamCallbacks, 0.5);
    const calls = new CallWriter(w, dice, usesMetrics);
    const written: GuestCallbacks = {
      proxy_on_context_create: `(global.set $stopped_0 (i32.const 0)) (global.set $stopped_1 (i32.const 0)) (global.set $replied (i32.const 0)) (global.set $in_trailers (i32.const 0))
        ${dice.chance(0.3) ? calls.some("plugin", 2) : ""}`,
      proxy_on_configure: `${calls.some("plugin", 3)} (i32.const 1)`,
    };
    for (const callback of callbacks) {
      const begin = callback === "proxy_on_response_trailers" ? "(global.set $in_trailers (i32.const 1))" : "";
      written[callback] = `${begin} ${calls.some(phaseOf(callback), 5)} ${returnOf(callback, dice)}`;
    }
    return written;
  };
  return {
    guest,
    wat: reports,
    name,
    ...(choices.chance(0.3) ? { rootId: "root" } : {}),
    ...(choices.chance(0.3) ? { configuration: { some: "configuration" } } : {}),
    ...(choices.chance(0.2) ? { vmId: "vm" } : {}),
    ...(choices.chance(0.2) ? { allowOnHeadersStopIteration: true } : {}),
    failurePolicy: choices.of(["closed", "open"]),
  };
}

const streamCallbacks = [
  "proxy_on_request_headers",
  "proxy_on_request_body",
  "proxy_on_request_trailers",
  "proxy_on_response_headers",
  "proxy_on_response_body",
  "proxy_on_response_trailers",
  "proxy_on_log",
  "proxy_on_done",
  "proxy_on_delete",
];

type Phase = "plugin" | "request" | "response" | "end";

function phaseOf(callback: string): Phase {
  if (callback.includes("request")) return "request";
  return callback.includes("response") ? "response" : "end";
}

/** Mostly "continue": whatever stops must be let go by a later call, or the stream hangs. */
function returnOf(callback: string, dice: Dice): string {
  const entry = table.callbacks.find(({ name }) => name === callback)!;
  if (entry.result === null) return "";
  if (callback === "proxy_on_done") return `(i32.const ${dice.chance(0.9) ? 1 : 0})`;
  const stopped = `(global.set $stopped_${callback.includes("request") ? 0 : 1}`;
  if (dice.chance(0.85)) return `${stopped} (i32.const 0)) (i32.const 0)`;
  const stops = callback.endsWith("headers") ? [1, 3, 4] : callback.endsWith("body") ? [1, 2, 3] : [1];
  return `${stopped} (i32.const 1)) (i32.const ${dice.of(stops)})`;
}

/**
 * Logs the outcome of a call: its status, and what it gave when that is 0. The globals tell whether the guest has
 * stopped the request or the response: Envoy does strange things when what was not stopped is continued.
 */
const reports = `
  (global $stopped_0 (mut i32) (i32.const 0))
  (global $stopped_1 (mut i32) (i32.const 0))
  (global $replied (mut i32) (i32.const 0))
  (global $in_trailers (mut i32) (i32.const 0))
  (func $outcome (param $p i32) (param $n i32) (param $s i32)
    (call $begin) (call $text (local.get $p) (local.get $n)) (call $byte (i32.const 33)) (call $number (local.get $s)))
  (func $report (param $p i32) (param $n i32) (param $s i32) (call $outcome (local.get $p) (local.get $n) (local.get $s)) (call $flush))
  (func $report_bytes (param $p i32) (param $n i32) (param $s i32)
    (call $outcome (local.get $p) (local.get $n) (local.get $s))
    (if (i32.eqz (local.get $s)) (then (call $byte (i32.const 61))
      (call $hex (i32.load (i32.const 0)) (select (i32.load (i32.const 4)) (i32.const 400) (i32.lt_u (i32.load (i32.const 4)) (i32.const 400))))))
    (call $flush))
  (func $report_u32 (param $p i32) (param $n i32) (param $s i32)
    (call $outcome (local.get $p) (local.get $n) (local.get $s))
    (if (i32.eqz (local.get $s)) (then (call $byte (i32.const 61)) (call $number (i32.load (i32.const 0)))))
    (call $flush))`;

type Arg = number | bigint | [string];

/** Functions of ABI 0.2.1 that take pointers. */
const withPointers = table.hostFunctions.filter(
  ({ name, versions, params }) =>
    name.startsWith("proxy_") && versions.includes("0.2.1") && params.some((param) => param.name.includes("_ptr")),
);

/** Writes random host calls in WAT. */
class CallWriter {
  readonly #w: GuestWriter;
  readonly #dice: Dice;
  readonly #usesMetrics: boolean;

  constructor(w: GuestWriter, dice: Dice, usesMetrics: boolean) {
    this.#w = w;
    this.#dice = dice;
    this.#usesMetrics = usesMetrics;
  }

  /** Up to `most` calls; now and then a trap. */
  some(phase: Phase, most: number): string {
    if (phase !== "plugin" && this.#dice.chance(0.01)) return "unreachable";
    return this.#dice.list(0, most, () => this.#call(phase)).join("\n");
  }

  #call(phase: Phase): string {
    const dice = this.#dice;
    const common = [this.#headers, this.#headers, this.#buffers, this.#properties, this.#queues, this.#misc];
    common.push(this.#badPointer);
    // Threads that start at the same time would meet there in any order.
    if (phase !== "plugin") common.push(this.#shared);
    if (phase !== "plugin" && this.#usesMetrics) common.push(this.#metrics, this.#metrics);
    if (phase === "request" || phase === "response") common.push(this.#callouts);
    if (phase === "request" || phase === "response") common.push(this.#flow);
    return dice.of(common).call(this, phase);
  }

  #write(report: "report" | "report_bytes" | "report_u32", name: string, ...args: Arg[]): string {
    return `(call $${report} ${this.#w.text(name.replace("proxy_", ""))} ${this.#w.call(name, ...args)})`;
  }

  /** The map of the phase, more often than not. After answers that nobody waits for, Envoy's maps and buffer of them are freed memory. */
  #map(phase: Phase): number {
    const own = { plugin: [0], request: [0, 0, 1], response: [2, 2, 3], end: [0, 2, 3] }[phase];
    return this.#dice.chance(0.75) ? this.#dice.of(own) : this.#dice.of([0, 1, 2, 3, 4, 5, 8]);
  }

  /** Where results go; now and then outside of memory. */
  #out(): [number, number] {
    return this.#dice.chance(0.03) ? [-4, 4] : this.#dice.chance(0.03) ? [0, 131070] : [0, 4];
  }

  #headers(phase: Phase): string {
    const dice = this.#dice;
    const map = this.#map(phase);
    const name = dice.of(names);
    const value = dice.of(values);
    const pairs = encodePairs([name, value, "x-c", "3"]);
    return dice.of([
      () => this.#write("report_bytes", "proxy_get_header_map_value", map, [name], ...this.#out()),
      () => this.#write("report_bytes", "proxy_get_header_map_value", map, [name], ...this.#out()),
      () => this.#w.logPairs(dice.of([0, 1, 2, 3])),
      () => this.#write("report", "proxy_get_header_map_pairs", dice.of([8, 99]), 0, 4),
      () => this.#write("report_u32", "proxy_get_header_map_size", map, 0),
      () => this.#write("report", "proxy_add_header_map_value", map, [name], [value]),
      () => this.#write("report", "proxy_add_header_map_value", map, ["x-new"], [value]),
      () => this.#write("report", "proxy_replace_header_map_value", map, [name], [value]),
      () =>
        this.#write("report", "proxy_remove_header_map_value", map, [
          dice.of(["x-a", "x-b", "cookie", "x-up", "x-t", name]),
        ]),
      () =>
        map === 0 || map === 2
          ? this.#w.logPairs(map)
          : this.#write("report", "proxy_set_header_map_pairs", map, [pairs]),
    ])();
  }

  #buffers(phase: Phase): string {
    const dice = this.#dice;
    const own = { plugin: 7, request: 0, response: 1, end: 7 }[phase];
    // In a stream, the buffer of arguments (8) is whatever buffer came before, freed or not.
    const other = dice.of([0, 1, 2, 3, 5, 6, 7, 9, -1]);
    const buffer = dice.chance(0.75) || isFreed(phase, other) ? own : other;
    const [start, size] = dice.of([
      [0, 10],
      [0, -1],
      [2, 3],
      [1000, 1],
      [0, 0],
      [-1, 1],
    ] as const);
    return dice.of([
      () => this.#write("report_bytes", "proxy_get_buffer_bytes", buffer, start, size, ...this.#out()),
      () => this.#write("report_u32", "proxy_get_buffer_status", buffer, ...this.#out()),
      () => this.#write("report", "proxy_set_buffer_bytes", buffer, start, size, [dice.of(texts)]),
    ])();
  }

  #properties(): string {
    const dice = this.#dice;
    const path = dice.of(paths).replaceAll(".", "\0");
    return dice.of([
      () => this.#write("report_bytes", "proxy_get_property", [path], ...this.#out()),
      () => this.#write("report_bytes", "proxy_get_property", [path], ...this.#out()),
      () => this.#write("report", "proxy_set_property", [dice.of(["mine", "other", ""])], [dice.of(texts)]),
    ])();
  }

  #shared(): string {
    const dice = this.#dice;
    const key = dice.of(["k1", "k2", ""]);
    const get = `(call $report_bytes ${this.#w.text("get_shared_data")} ${this.#w.call("proxy_get_shared_data", [key], 0, 4, 8)})`;
    // Versions count on through the whole life of a proxy: what was read is the only one that both hosts understand alike.
    const put = `(call $report ${this.#w.text("set_shared_data")} (call $proxy_set_shared_data ${this.#w.text(key)}
      ${this.#w.text(dice.of(texts))} (i32.load (i32.const 8))))`;
    return dice.of([
      () => this.#write("report", "proxy_set_shared_data", [key], [dice.of(texts)], 0),
      () => get,
      () => `${get} ${put}`,
      () => `${get} ${put} ${put}`,
    ])();
  }

  #queues(phase: Phase): string {
    const dice = this.#dice;
    if (phase === "plugin") return this.#write("report", "proxy_register_shared_queue", ["q1"], 0);
    const name = dice.of(["q1", "q2"]);
    const resolve = this.#write("report", "proxy_resolve_shared_queue", [dice.of(["", "", "vm", "nope"])], [name], 0);
    const put = `(call $report ${this.#w.text("enqueue_shared_queue")} (call $proxy_enqueue_shared_queue (i32.load (i32.const 0))
      ${this.#w.text(dice.of(texts))}))`;
    const take = `(call $report_bytes ${this.#w.text("dequeue_shared_queue")} (call $proxy_dequeue_shared_queue
      (i32.load (i32.const 0)) (i32.const 0) (i32.const 4)))`;
    return dice.of([
      () => `(i32.store (i32.const 0) (i32.const 99999)) ${resolve} ${put}`,
      () => `(i32.store (i32.const 0) (i32.const 99999)) ${resolve} ${take}`,
      () => `(i32.store (i32.const 0) (i32.const 99999)) ${resolve} ${put}
        (i32.store (i32.const 0) (i32.const 99999)) ${resolve} ${take}`,
    ])();
  }

  #metrics(): string {
    const dice = this.#dice;
    const type = dice.of([0, 1, 2, 3]);
    const id = dice.of([1, 2, 4, 8, 5, 6, 12, 99]);
    // The name tells the type: a counter and a gauge of one name are not told apart.
    const kind = dice.of([0, 1]);
    const define = this.#write("report_u32", "proxy_define_metric", kind, [`m${kind}_${dice.of(["c", "d"])}`], 0);
    return dice.of([
      () => `${define} (call $report ${this.#w.text("increment_metric")}
        (call $proxy_increment_metric (i32.load (i32.const 0)) (i64.const 3)))`,
      () => `${define} (call $report_u32 ${this.#w.text("get_metric")}
        (call $proxy_get_metric (i32.load (i32.const 0)) (i32.const 0)))`,
      () => this.#write("report_u32", "proxy_define_metric", type, [`m${type}_${dice.of(["a", "b"])}`], 0),
      () => this.#write("report", "proxy_increment_metric", id, dice.of([1n, 5n, 0n])),
      () => this.#write("report", "proxy_record_metric", id, dice.of([0n, 7n])),
      () => this.#write("report_u32", "proxy_get_metric", id, 0),
    ])();
  }

  #flow(phase: Phase): string {
    const dice = this.#dice;
    const own = phase === "request" ? 0 : 1;
    return dice.of([
      () => this.#write("report", "proxy_continue_stream", dice.of([2, 3, 4])),
      // Trailers that are let go and go on as well crash Envoy.
      () => `(if (i32.and (global.get $stopped_${own}) (i32.eqz (global.get $in_trailers))) (then (global.set $stopped_${own} (i32.const 0))
        ${this.#write("report", "proxy_continue_stream", own)}))`,
      () => (dice.chance(0.3) ? this.#close() : ""),
      () => (dice.chance(0.5) ? this.#reply() : ""),
    ])();
  }

  /** What ends a stream twice crashes Envoy, and so do response trailers that go on. */
  #close(): string {
    const close = this.#write("report", "proxy_close_stream", this.#dice.of([0, 1, 2, 3, 4]));
    const isLate = "(i32.or (global.get $replied) (global.get $in_trailers))";
    return `(if (i32.eqz ${isLate}) (then (global.set $replied (i32.const 1)) ${close}))`;
  }

  #reply(): string {
    const dice = this.#dice;
    const headers = dice.chance(0.5) ? encodePairs(["x-local", "1", "content-type", "text/x"]) : "";
    const status = dice.of([200, 201, 204, 302, 403, 429, 500, 503]);
    // A second reply to the same stream runs parts of the proxy twice.
    const reply = this.#write(
      "report",
      "proxy_send_local_response",
      status,
      [dice.of(["", "details here"])],
      [status === 204 ? "" : dice.of(["", "no", "body ".repeat(30)])],
      [headers],
      dice.of([-1, -1, 0, 7, 99]),
    );
    return `(if (i32.eqz (global.get $replied)) (then (global.set $replied (i32.const 1)) ${reply}))`;
  }

  /** A call of any function whose pointers lead out of memory, one of them at least. */
  #badPointer(phase: Phase): string {
    const dice = this.#dice;
    const entry = dice.of(withPointers.filter(({ name }) => this.#usesMetrics || !name.includes("metric")));
    if (phase === "plugin" && /shared|queue/.test(entry.name)) return "";
    if (entry.name.includes("buffer") && isFreed(phase, 0)) return "";
    const bad = dice.of(entry.params.filter(({ name }) => name.includes("_ptr"))).name;
    const args = entry.params.map(({ name, type }): Arg => {
      if (name === bad) return -8;
      if (name.includes("_ptr")) return 256;
      return type === "i64" ? 0n : name.endsWith("_size") ? 16 : 0;
    });
    return this.#write("report", entry.name, ...args);
  }

  /** Callouts whose answers nobody waits for, and gRPC calls to nowhere. */
  #callouts(): string {
    const dice = this.#dice;
    const headers = encodePairs([":path", "/side", ":method", "GET", ":authority", "a"]);
    const service = dice.of(["\x0a\x06\x0a\x04nope", "\x0a\x00", "\xff", "nope"]);
    return dice.of([
      () =>
        dice.chance(0.3) ? this.#write("report", "proxy_http_call", ["side"], [headers], [""], [""], 1000, 0) : "",
      () => this.#write("report", "proxy_grpc_call", [service], ["pkg.Service"], ["Method"], [""], ["m"], 100, 0),
      () => this.#write("report", "proxy_grpc_stream", [service], ["pkg.Service"], ["Method"], [""], 0),
    ])();
  }

  #misc(): string {
    const dice = this.#dice;
    const junk = dice.of(["", "junk", "\x0a\x01a"]);
    return dice.of([
      () => `(drop ${this.#w.call("proxy_log", dice.of([0, 1, 2, 3, 4, 5, 6, 9]), [dice.of(texts)])})`,
      () => this.#write("report_u32", "proxy_get_log_level", 0),
      () => this.#write("report", "proxy_set_tick_period_milliseconds", 0),
      () => this.#write("report", "proxy_get_current_time_nanoseconds", dice.of([0, -4])),
      () => `(call $report ${this.#w.text("get_status")} ${this.#w.call("proxy_get_status", 8, 0, 4)})`,
      () => this.#write("report", "proxy_set_effective_context", dice.of([0, 1, 99])),
      () => this.#write("report", "proxy_done"),
      () =>
        this.#write(
          "report_bytes",
          "proxy_call_foreign_function",
          [dice.of(["uncompress", "clear_route_cache", "nope", "verify_signature", "sign"])],
          [junk],
          0,
          4,
        ),
      () =>
        this.#write(
          "report",
          "proxy_http_call",
          [dice.of(["nope", ""])],
          [encodePairs([":path", "/", ":method", "GET", ":authority", "a"])],
          [""],
          [""],
          100,
          0,
        ),
      () => this.#write("report", "proxy_http_call", ["up"], [encodePairs([":path", "/"])], [""], [""], 100, 0),
      () => this.#write("report", "proxy_grpc_cancel", dice.of([1, 2, 3, 4])),
      () => this.#write("report", "proxy_grpc_close", dice.of([1, 2, 3, 4])),
      () => this.#write("report", "proxy_grpc_send", dice.of([1, 2, 3, 4]), [junk], 0),
      () => this.#write("report", "fd_write", 1, 64, 0, 0),
      () => this.#write("report", "clock_time_get", dice.of([0, 1, 2]), 0n, 0),
      () => this.#write("report", "environ_sizes_get", 0, 4),
      () => this.#write("report", "args_sizes_get", 0, 4),
      () => this.#write("report", "random_get", 256, dice.of([0, 16])),
      () => this.#write("report", "fd_seek", 1, 0n, 0, 0),
      () => this.#write("report", "path_open", 0, 0, 0, 0, 0, 0n, 0n, 0, 0),
    ])();
  }
}

/** Whether the buffer is a body that filters were told of before: then Envoy has freed it. */
function isFreed(phase: Phase, buffer: number): boolean {
  return (phase === "response" && buffer === 0) || (phase === "end" && (buffer === 0 || buffer === 1));
}
