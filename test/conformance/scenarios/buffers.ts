import type { GuestWriter } from "../../../harness/testing/guest.ts";
import type { Scenario } from "../scenario.ts";
import { fullClusters, fullRequest, only, shortName, streamCallbacks } from "./callbacks.ts";

/** Every buffer in every callback. Buffer 8 is left out in streams: it is what was read before, freed or not. */
const availability: Scenario[] = streamCallbacks.flatMap((callback) =>
  [0, 1, 2, 3, 4, 5, 6, 7, 9].map((buffer) => ({
    name: `buffers: buffer ${buffer} in ${shortName(callback)}`,
    covers: ["buffers available"],
    plugins: [
      {
        guest: only(callback, (w) =>
          [
            w.logBuffer(buffer),
            w.show("status", w.call("proxy_get_buffer_status", buffer, 0, 4)),
            w.show("set", w.call("proxy_set_buffer_bytes", buffer, 0, 0, ["+"])),
            w.logBuffer(buffer),
          ].join("\n"),
        ),
        configuration: "plugin configuration",
        vmConfiguration: "vm configuration",
      },
    ],
    clusters: fullClusters,
    requests: [fullRequest],
    logs: ["set="],
  })),
);

const ranges: [number, number][] = [
  [0, 0],
  [0, 3],
  [0, 12],
  [0, 13],
  [0, -1],
  [3, 0],
  [3, 4],
  [3, 9],
  [3, 100],
  [12, 0],
  [12, 5],
  [13, 0],
  [13, 5],
  [100, 5],
  [-1, 0],
  [-1, 1],
];

/** Reading and writing part of a body of twelve bytes. */
const parts: Scenario[] = ranges.map(([start, size]) => ({
  name: `buffers: bytes ${start} and ${size} on of a body`,
  covers: ["buffer ranges"],
  plugins: [
    {
      guest: (w: GuestWriter) => ({
        proxy_on_request_body: `(if (local.get $body_size) (then ${w.logBuffer(0, start, size)}
          ${w.show("set", w.call("proxy_set_buffer_bytes", 0, start, size, ["NEW"]))} ${w.logBuffer(0)})) (i32.const 0)`,
        proxy_on_response_body: `(if (local.get $body_size) (then ${w.logBuffer(1, start, size)}
          ${w.show("set", w.call("proxy_set_buffer_bytes", 1, start, size, [""]))} ${w.logBuffer(1)})) (i32.const 0)`,
      }),
    },
  ],
  clusters: fullClusters,
  requests: [fullRequest],
  logs: ["set="],
}));

export const buffers: readonly Scenario[] = [...availability, ...parts];
