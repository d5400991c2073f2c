import {
  ConfigReader,
  FilterHeaders,
  Gauge,
  HttpFilter,
  log,
  Plugin,
  registerPlugin,
  ResponseHeaders,
  SharedNumber,
  SharedResult,
  SharedValue,
  Timer,
} from "@attache/sdk";
export * from "@attache/sdk/proxy";

const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1000 * MILLISECOND;


@lazy const requests: Gauge = new Gauge("shared_requests");

class SharedCounter extends Plugin {
  readonly total: SharedNumber = new SharedNumber("total");
  readonly statuses: SharedValue = new SharedValue("statuses");
  /** Requests of this worker that are not in the total yet. */
  uncounted: i64 = 0;
  /** The total when the timer last fired. */
  known: u64 = 0;

  override configure(config: ConfigReader): void {
    const every = config.duration("every", SECOND, 10 * MILLISECOND, 60 * SECOND);
    this.startTimer(new AddUp(this), <u32>(every / MILLISECOND));
  }

  override createFilter(): HttpFilter {
    return new Counted(this);
  }
}

class Counted extends HttpFilter {
  constructor(private plugin: SharedCounter) {
    super();
  }

  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    const plugin = this.plugin;
    plugin.uncounted++;
    headers.set("x-requests", plugin.known.toString());
    if (headers.status >= 500) plugin.statuses.update<i32>(appended, headers.status);
    return FilterHeaders.Continue;
  }
}

/** A function has no closure: what it needs is handed to it. `null` leaves what is there. */
function appended(statuses: string | null, status: i32): string | null {
  const list = statuses === null ? new Array<string>() : statuses.split(" ");
  list.push(status.toString());
  return list.slice(-5).join(" ");
}

class AddUp extends Timer {
  constructor(private plugin: SharedCounter) {
    super();
  }

  override onTimer(): void {
    const plugin = this.plugin;
    if (plugin.uncounted > 0) {
      // What could not be added now is added later.
      if (plugin.total.add(plugin.uncounted) == SharedResult.Done) plugin.uncounted = 0;
      else log.warn("the total is contended");
    }
    plugin.known = plugin.total.get();
    requests.set(plugin.known);
    const statuses = plugin.statuses.get();
    if (statuses !== null) log.debug("latest errors: " + statuses);
  }
}

registerPlugin(() => new SharedCounter());
