import type { AbiVersion } from "@attache/abi";
import type { HostOptions, PluginOptions, RequestOptions, TcpCluster } from "@attache/harness";
import type { RowName } from "./rows.ts";
import type { GuestCallbacks, GuestWriter } from "../../harness/testing/guest.ts";

/**
 * A guest, its configuration and traffic. Emulator and Envoy must show the same: what the client and the upstreams
 * received, log lines, metrics, and every call between proxy and guest.
 */
export interface Scenario {
  /** Group and what is tested, such as `headers: a removed :path`. */
  name: string;
  /** Rows of `rows.ts` that this settles. */
  covers?: readonly RowName[];
  /** The filters of the chain, in the order requests pass them. */
  plugins: readonly ScenarioPlugin[];
  /** `{ up: … }` answering 200 `ok` when absent; `{}` for none, which makes the proxy answer. */
  clusters?: HostOptions["clusters"];
  routes?: HostOptions["routes"];
  includeRequestAttemptCount?: boolean;
  /** Filters of a TCP listener, and connections to it in place of requests. */
  tcp?: TcpScenario;
  /** One `GET /` when absent. Each starts when the one before has ended. */
  requests?: readonly ScenarioRequest[];
  /** What comes then: other filters, one after the other. */
  updates?: readonly ScenarioUpdate[];
  /** How far virtual time goes on once a request is sent; in Envoy time passes by itself. */
  advanceMs?: number;
  /** Bodies come in pieces of any size, or threads work at the same time: the transcript is not compared. */
  isTranscriptLoose?: boolean;
  /** Metrics to compare at the end. */
  metrics?: readonly string[];
  /**
   * What both hosts must show beyond being equal: texts that some log line contains. A scenario that compares two
   * silences proves nothing.
   */
  logs?: readonly string[];
  /** Statuses both must answer, in order; `reset` for a stream without an answer, `none` for one that hangs. */
  statuses?: readonly (number | "reset" | "none")[];
}

/** The filters are replaced; when they are refused, the old ones stay. */
export interface ScenarioUpdate {
  plugins: readonly ScenarioPlugin[];
  requests?: readonly ScenarioRequest[];
}

export interface TcpScenario {
  plugins: readonly ScenarioPlugin[];
  /** Sends back what it gets when absent; `null`: a cluster without hosts. */
  upstream?: TcpCluster | null;
  /** What the client does on each connection, one after the other. */
  connections: readonly (readonly TcpStep[])[];
}

/**
 * A wait follows what the proxy answers, so that pieces are cut alike in both hosts. A connection is described by what the
 * client has received once its steps are done.
 */
export type TcpStep =
  { write: string } | { do: "end" | "reset" } | { waitForBytes: number } | { waitForLog: string } | { waitFor: "end" };

export interface ScenarioPlugin extends Omit<PluginOptions, "module"> {
  /** The guest's callbacks; or a module. */
  guest: ((w: GuestWriter) => GuestCallbacks) | Uint8Array;
  abi?: AbiVersion;
  /** Export name of the guest's own allocator; `malloc` when absent. */
  allocator?: string;
  /** WAT at module level. */
  wat?: string;
  /** WAT of the memory; two pages when absent. */
  memory?: string;
}

export interface ScenarioRequest extends RequestOptions {
  /** `/` when absent. */
  path?: string;
  /** The client breaks the stream off once a log line contains this. */
  abortAtLog?: string;
  /** Sent again and again, some time apart, until this status comes; only the last answer counts. */
  untilStatus?: number;
}
