import type { Surroundings } from "./rate-limit-service.ts";
import type { Summary } from "./summary.ts";

export type Json = Record<string, unknown>;

/** One way to do a case's work: a module, or filters of Envoy's own. */
export interface Variant {
  name: string;
  module?: () => Promise<string>;
  configuration?: unknown;
  filters?: Json[];
  accessLog?: Json[];
  /** Routes or a matcher of Envoy's own, in place of one route for everything. */
  virtualHost?: Json;
  /** So many clients, each known by its `x-user`, send requests in random order; 1 when absent. */
  clients?: number;
}

export interface Case {
  name: string;
  what: string;
  variants: Variant[];
  /** Headers each request carries. */
  requestHeaders?: Record<string, string>;
  /** Of the direct response. */
  body?: string;
  /** What has to run beside Envoy. */
  surroundings?: () => Promise<Surroundings>;
}

/** What is measured in this process, without Envoy. */
export interface LocalCase {
  name: string;
  what: string;
  measure(rounds: number): Promise<Result[]>;
}

export interface Result {
  name: string;
  /** Of Envoy's processor time per request beyond no filter; in a local case, of this process's time per step. */
  microseconds: Summary;
}
