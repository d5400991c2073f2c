import { ConfigReader } from "@attache/sdk";
import { ClientAddress } from "./client-address";
import { HashKey } from "./hash-key";

/** What all limits of a configuration have in common. */
@final
export class LimitSurroundings {
  readonly client: ClientAddress;
  readonly hashKey: HashKey = new HashKey();
  /** Clients that a limit remembers that does not say so itself. */
  readonly slots: i64;
  /** Proxies that divide local limits among themselves. */
  readonly replicas: i64;
  /** Workers that divide those limits among themselves that each counts for itself. */
  readonly workers: i64;

  constructor(config: ConfigReader) {
    this.client = new ClientAddress(config.object("clientAddress"));
    this.slots = config.object("state").integer("slots", 16_384, 4, 4_194_304);
    this.replicas = config.integer("replicas", 1, 1, 10_000);
    this.workers = config.integer("workers", 1, 1, 10_000);
  }
}
