import { getPropertyAt } from "../attributes/property";
import { attributeText } from "../attributes/value";
import { Gauge } from "../metrics/metric";
import { ConfigReader } from "./config-reader";

/**
 * Tells in gauges of the proxy what became of a configuration. Call it last in `configure`, on the root:
 *
 * ```ts
 * override configure(config: ConfigReader): void {
 *   this.greeting = config.string("greeting", "hello");
 *   publishConfigStatus(config);
 * }
 * ```
 *
 * - `config_ok` is 1 when it was accepted, 0 when it was rejected: then the proxy goes on with the one before, if any.
 * - `config_hash` is that of the configuration accepted last: the upper 48 bits of {@link ConfigReader.hash}, which a
 *   double holds exactly. Proxies that have the same configuration show the same number.
 *
 * Both have the label `plugin`, the plugin's name, as `LabelledGauge` writes it: `wasmcustom.plugin=.=NAME;.;config_ok`.
 *
 * It ends reading ({@link ConfigReader.finish}): nothing may be read or reported afterwards. Cost: some 1 KB of the module; five host
 * calls.
 */
export function publishConfigStatus(config: ConfigReader): void {
  const isAccepted = config.finish().length == 0;
  const name = attributeText(getPropertyAt("plugin_name"));
  const prefix = "plugin=.=" + (name === null ? "" : name) + ";.;config_";
  new Gauge(prefix + "ok").set(isAccepted ? 1 : 0);
  if (isAccepted) new Gauge(prefix + "hash").set(config.hash >> 16);
}
