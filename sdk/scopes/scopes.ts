import { ConfigReader } from "../config";
import { RequestHeaders } from "../http/headers";
import { RuleMatch } from "./rule-match";
import { RuleTable } from "./rule-table";

/**
 * A filter's configuration, and others for some requests: the first of `rules` that is for a request says which one
 * counts, or that the filter leaves it alone. A request that no rule is for has the configuration in which `rules` stands.
 *
 * ```json
 * {
 *   "greeting": "hello",
 *   "rules": [
 *     { "match": { "paths": [{ "prefix": "/health" }] }, "disabled": true },
 *     { "match": { "hosts": ["*.example.at"], "headers": { "x-beta": {} } }, "config": { "greeting": "servus" } }
 *   ]
 * }
 * ```
 *
 * ```ts
 * override configure(config: ConfigReader): void {
 *   this.greetings = new Scopes<Greeting>(config, (config) => new Greeting(config));
 * }
 * // In onRequestHeaders:
 * const greeting = plugin.greetings!.find(headers);
 * if (greeting === null) return FilterHeaders.Continue;
 * ```
 *
 * `match` takes requests that fit everything that is given in it, and all requests when nothing is:
 *
 * - `hosts`: names, `*.` and what names end with, or `*`; case, a port and a dot at the end do not count;
 * - `paths`: `exact`, `prefix`, `pathSeparatedPrefix` (`/a` is for `/a` and `/a/b`, not `/ab`) or `suffix`, of the path without query;
 * - `routes`: the name of the proxy's route, `exact`, `prefix` or `suffix`;
 * - `ports` that clients connect to;
 * - `headers`: of each, some line is `exact`, `prefix` or `suffix`; `{}`: it is there.
 *
 * A rule has `config`, which stands for itself and takes nothing over from the configuration around, or `"disabled": true`.
 * Beside `rules`, `"disabled": true` leaves all other requests alone, and what else stands there is not looked at.
 *
 * Paths are compared as the proxy has them: where a rule relaxes what guards something, let the proxy normalise paths
 * (`normalize_path`, `merge_slashes`), or `/health/../admin` is under `/health`. Hosts and headers are what the client says
 * they are. So let the strict configuration be the one that no rule is needed for.
 */
@final
export class Scopes<T> {
  private readonly table: RuleTable = new RuleTable();
  private readonly configurations: Array<T | null> = [];
  private readonly otherwise: T | null;

  /**
   * Reads `rules`, and then `config` itself.
   *
   * @param read makes what the filter needs of a configuration; without closures, so of nothing else
   */
  constructor(config: ConfigReader, read: (config: ConfigReader) => T) {
    const rules = config.array("rules");
    for (let index = 0; index < rules.length; index++) {
      const rule = rules.at(index).asObject();
      this.table.add(new RuleMatch(rule.object("match")));
      const isDisabled = rule.bool("disabled", false);
      if (!isDisabled && !rule.has("config")) rule.error('must have config, or "disabled": true');
      let own: T | null = null;
      if (rule.has("config")) own = read(rule.object("config"));
      this.configurations.push(isDisabled ? null : own);
    }
    this.table.compile();
    if (config.bool("disabled", false)) {
      for (let index = 0; index < config.length; index++) config.at(index);
      this.otherwise = null;
    } else {
      this.otherwise = read(config);
    }
  }

  /**
   * The configuration for a request; `null` when the filter is to leave it alone.
   *
   * Allowed in: `onRequestHeaders`, and later callbacks while the headers are still held. Cost: a look-up for each of host,
   * path, route and headers that rules need, whatever their number; one host call each for `routes` and `ports`.
   */
  find(headers: RequestHeaders): T | null {
    const number = this.table.find(headers);
    return number < 0 ? this.otherwise : this.configurations[number];
  }
}
