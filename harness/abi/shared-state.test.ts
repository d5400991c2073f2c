import { describe, expect, it } from "vitest";
import { runGuest } from "../testing/run.ts";

const go = "(i32.const 0)";
const yes = "(i32.const 1)";

describe("shared data", () => {
  it("is set by compare and swap, with a new number each time", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `${[
        w.call("proxy_get_shared_data", ["k"], 0, 4, 8),
        w.call("proxy_set_shared_data", ["k"], ["v"], 5),
        w.call("proxy_get_shared_data", ["k"], 0, 4, 8),
        "(i32.load (i32.const 8))",
        w.call("proxy_set_shared_data", ["k"], ["w"], 77),
        w.call("proxy_set_shared_data", ["k"], ["w"], 1),
        w.call("proxy_set_shared_data", ["k"], [""], 0),
        w.call("proxy_get_shared_data", ["k"], 0, 4, 8),
        "(i32.load (i32.const 8))",
        "(i32.load (i32.const 4))",
      ]
        .map((expression) => w.show("r", expression))
        .join("")} ${go}`,
    }));
    await host.fetch("/");
    expect(host.messages.map((line) => Number(line.slice(2)))).toEqual([1, 0, 0, 1, 8, 0, 0, 0, 3, 0]);
  });
});

describe("shared queues", () => {
  it("tell the plugin that registered last, in the next turn", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_configure: `(drop ${w.call("proxy_register_shared_queue", ["q"], 8)}) ${yes}`,
      proxy_on_request_headers: `(drop ${w.call("proxy_resolve_shared_queue", [""], ["q"], 8)})
        ${w.show("enqueue", w.call("proxy_enqueue_shared_queue", 1, ["item"]))}
        ${w.show("unknown", w.call("proxy_enqueue_shared_queue", 9, ["item"]))} ${go}`,
      proxy_on_queue_ready: `${w.show("context", "(local.get $context_id)")} ${w.show("token", "(local.get $token)")}
        ${w.show("dequeue", w.call("proxy_dequeue_shared_queue", 1, 0, 4))} ${w.show("size", "(i32.load (i32.const 4))")}
        ${w.show("dequeue", w.call("proxy_dequeue_shared_queue", 1, 0, 4))}`,
      proxy_on_response_headers: `${w.log("response")} ${go}`,
    }));
    await host.fetch("/");
    expect(host.messages).toEqual([
      "enqueue=0",
      "unknown=1",
      "context=1",
      "token=1",
      "dequeue=0",
      "size=4",
      "dequeue=7",
      "response",
    ]);
  });
});

describe("metrics", () => {
  it("count for the whole proxy, under ids of each VM", async () => {
    await using host = await runGuest(
      (w) => ({
        proxy_on_configure: `(drop ${w.call("proxy_define_metric", 0, ["requests"], 8)}) (drop ${w.call("proxy_define_metric", 1, ["level"], 12)}) ${yes}`,
        proxy_on_request_headers: `(drop ${w.call("proxy_increment_metric", 4, 2n)}) (drop ${w.call("proxy_record_metric", 5, 7n)})
          (drop ${w.call("proxy_increment_metric", 5, -3n)}) ${go}`,
      }),
      { workers: 2 },
    );
    await host.fetch("/");
    await host.fetch("/");
    expect([await host.metric("requests"), await host.metric("level"), await host.metric("nope")]).toEqual([
      4,
      4,
      null,
    ]);
  });

  it.each([
    ["a counter", 0, [4, 0, 2, 2, 0, 0]],
    ["a gauge", 1, [5, 0, 0, 0, 0, 0]],
    ["a histogram", 2, [6, 2, 2, 2, 0, 2]],
  ])("take from %s what Envoy takes", async (_what, type, results) => {
    const id = 4 + type;
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `(drop ${w.call("proxy_define_metric", type, ["m"], 8)})
        ${[
          "(i32.load (i32.const 8))",
          w.call("proxy_increment_metric", id, 1n),
          w.call("proxy_increment_metric", id, 0n),
          w.call("proxy_increment_metric", id, -1n),
          w.call("proxy_record_metric", id, 1n),
          w.call("proxy_get_metric", id, 16),
        ]
          .map((expression) => w.show("r", expression))
          .join("")} ${go}`,
    }));
    await host.fetch("/");
    expect(host.messages.map((line) => Number(line.slice(2)))).toEqual(results);
  });
});

describe("foreign functions", () => {
  it("compress and uncompress", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `(drop (call $proxy_call_foreign_function ${w.text("compress")} ${w.text("a".repeat(99))} (i32.const 100) (i32.const 104)))
        (drop (call $proxy_call_foreign_function ${w.text("uncompress")} (i32.load (i32.const 100)) (i32.load (i32.const 104)) (i32.const 108) (i32.const 112)))
        ${w.show("size", "(i32.load (i32.const 112))")} (call $log (i32.load (i32.const 108)) (i32.const 3))
        ${w.show("junk", `(call $proxy_call_foreign_function ${w.text("uncompress")} ${w.text("junk")} (i32.const 0) (i32.const 0))`)}
        ${w.show("unknown", `(call $proxy_call_foreign_function ${w.text("nope")} ${w.text("")} (i32.const 0) (i32.const 0))`)} ${go}`,
    }));
    await host.fetch("/");
    expect(host.messages).toEqual(["size=99", "aaa", "junk=3", "unknown=1"]);
  });
});

describe("logging", () => {
  it("keeps the lines of the level asked for, and says which it is", async () => {
    const write = (w: Parameters<Parameters<typeof runGuest>[0]>[0]) => ({
      proxy_on_request_headers: `${[0, 1, 2, 3, 4, 5].map((level) => `(drop ${w.call("proxy_log", level, [`m${level}`])})`).join("")}
        ${w.show("six", w.call("proxy_log", 6, ["m6"]))} (drop ${w.call("proxy_get_log_level", 8)}) ${w.show("level", "(i32.load (i32.const 8))")} ${go}`,
    });
    await using host = await runGuest(write, { logLevel: "info" });
    await host.fetch("/");
    expect(host.logs.map((line) => line.level)).toEqual(["info", "warn", "error", "critical", "info", "info"]);
    expect(host.messages.slice(-2)).toEqual(["six=2", "level=2"]);
    await using quiet = await runGuest(write, { logLevel: "error" });
    await quiet.fetch("/");
    expect(quiet.messages).toEqual(["m4", "m5"]);
  });

  it("takes standard output for info and standard error for error", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `(i32.store (i32.const 100) (i32.const 200)) (i32.store (i32.const 104) (i32.const 3))
        (memory.copy (i32.const 200) ${w.text("hi\n")}) (drop ${w.call("fd_write", 1, 100, 1, 8)})
        (drop ${w.call("fd_write", 2, 100, 1, 8)}) ${w.show("n", "(i32.load (i32.const 8))")} ${w.show("file", w.call("fd_write", 3, 100, 1, 8))} ${go}`,
    }));
    await host.fetch("/");
    expect(host.logs.map((line) => `${line.level} ${line.message}`)).toEqual([
      "info hi",
      "error hi",
      "info n=3",
      "info file=8",
    ]);
  });
});
