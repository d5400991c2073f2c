import { ConfigReader } from "@attache/sdk";
import { Answer } from "./answer";
import { ClientAddress } from "./client-address";
import { HashKey } from "./hash-key";
import { Limit } from "./limit";

/** What all limits of a configuration have in common. */
@final
export class LimitSurroundings {
  readonly client: ClientAddress;
  /** Of limits without one of their own. */
  readonly answer: Answer;
  readonly hashKey: HashKey;
  /** Clients that a limit remembers that does not say so itself. */
  readonly slots: i64;
  /** Proxies that divide local limits among themselves. */
  readonly replicas: i64;
  /** Workers that divide those limits among themselves that each counts for itself. */
  readonly workers: i64;

  /** @param limits those that were read so far */
  constructor(
    config: ConfigReader,
    private readonly limits: Limit[],
  ) {
    this.answer = new Answer(config.object("response"));
    this.hashKey = new HashKey(config);
    this.client = new ClientAddress(config.object("clientAddress"));
    this.slots = config.object("state").integer("slots", 16_384, 4, 4_194_304);
    this.replicas = config.integer("replicas", 1, 1, 10_000);
    this.workers = config.integer("workers", 1, 1, 10_000);
  }

  /** The limit of this name among those that were read so far. */
  find(name: string): Limit | null {
    for (let index = 0; index < this.limits.length; index++) {
      if (this.limits[index].name == name) return this.limits[index];
    }
    return null;
  }
}
