import type { ForeignFunction } from "../abi/foreign.ts";
import type { UpstreamCluster } from "../http/upstream.ts";
import type { Trap } from "../wasm/trap.ts";
import type { Clock } from "./clock.ts";
import type { Deadline } from "./deadline.ts";
import type { Diagnostics } from "./diagnostics.ts";
import type { EnvoyRules } from "./envoy-version.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { ProxyLog } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Profile } from "./profile.ts";
import type { Random } from "./random.ts";
import type { RecentList, Retention } from "./recent-list.ts";
import type { SharedData } from "./shared-data.ts";
import type { SharedQueues } from "./shared-queues.ts";
import type { Transcript } from "./transcript.ts";

/** What all workers, VMs and streams of one proxy share. */
export interface ProxyServices {
  readonly log: ProxyLog;
  /** `null` unless calls are recorded. */
  readonly transcript: Transcript | null;
  readonly clock: Clock;
  readonly deadline: Deadline;
  readonly rules: EnvoyRules;
  /** `null` unless callbacks are measured. */
  readonly profile: Profile | null;
  readonly dispatcher: Dispatcher;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly sharedData: SharedData;
  readonly queues: SharedQueues;
  readonly diagnostics: Diagnostics;
  readonly traps: RecentList<Trap>;
  readonly retention: Retention;
  /** Those of extensions, by name, beside Envoy's own. */
  readonly foreignFunctions: ReadonlyMap<string, ForeignFunction>;
  clusters: ReadonlyMap<string, UpstreamCluster>;
}
