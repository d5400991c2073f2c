import { ByteView, ConfigReader, currentTimeNs, JsonWriter, log, LogLevel } from "@attache/sdk";
import { Attribute, Attributes } from "./expression/attribute";
import { Expression, ValueType } from "./expression/expression";
import { ExpressionParser } from "./expression/parser";
import { TextBuffer } from "./expression/text-buffer";
import { writeResponseFlags } from "./response-flags";

/** What every line tells: names with the attributes behind them. The query is left out: it may hold secrets. */
const FIELDS =
  "method=request.method host=request.host path=request.url_path protocol=request.protocol status=response.code " +
  "details=response.code_details duration_ms=request.duration request_bytes=request.total_size " +
  "response_bytes=response.total_size request_id=request.id user_agent=request.useragent client=source.address " +
  "route=xds.route_name cluster=xds.cluster_name upstream=upstream.address ";

class LogField {
  constructor(
    readonly name: string,
    readonly value: Expression,
  ) {}

  /** Absent and empty values are left out. */
  write(json: JsonWriter): void {
    const value = this.value;
    if (!value.evaluate()) return;
    switch (value.type) {
      case ValueType.Text:
        if (value.length > 0) json.name(this.name).bytes(ByteView.of(value.start, value.length));
        break;
      case ValueType.Bool:
        json.name(this.name).bool(value.number != 0);
        break;
      case ValueType.Duration:
        json.name(this.name).integer(value.number / 1_000_000);
        break;
      default:
        json.name(this.name).integer(value.number);
    }
  }
}

/** Writes a line of JSON for each request that has ended; its schema is `access-log.schema.json`. */
export class AccessLog {
  private readonly fields: LogField[] = [];
  private readonly flags: Attribute;
  private readonly flagsText: TextBuffer = new TextBuffer();
  private readonly condition: Expression | null;

  constructor(config: ConfigReader, parser: ExpressionParser, attributes: Attributes) {
    this.flags = attributes.integer("response\0flags");
    let from = 0;
    for (let end = FIELDS.indexOf(" "); end >= 0; end = FIELDS.indexOf(" ", from)) {
      const middle = FIELDS.indexOf("=", from);
      const value = parser.parse(FIELDS.substring(middle + 1, end))!;
      this.fields.push(new LogField(FIELDS.substring(from, middle), value));
      from = end + 1;
    }
    const own = config.object("fields");
    for (let index = 0; index < own.length; index++) {
      const field = own.at(index);
      const isTaken = field.key == "time_ms" || field.key == "flags" || (" " + FIELDS).includes(" " + field.key + "=");
      if (isTaken) field.error("is a field of every line: choose another name");
      const value = parser.read(field);
      if (value !== null) this.fields.push(new LogField(field.key, value));
    }
    this.condition = config.has("match") ? parser.readCondition(config.get("match")) : null;
  }

  /** Writes the line of the stream of this callback. */
  write(): void {
    if (!log.enabled(LogLevel.Info)) return;
    const condition = this.condition;
    if (condition !== null && !condition.holds()) return;
    const flags = writeResponseFlags(this.flagsText.begin(), this.flags.numberOr(0));
    const json = JsonWriter.begin(1024).beginObject();
    json.name("time_ms").integer(currentTimeNs() / 1_000_000);
    json.name("flags").bytes(ByteView.of(flags.start, flags.length));
    const fields = this.fields;
    for (let index = 0; index < fields.length; index++) unchecked(fields[index]).write(json);
    log.info(json.endObject().end().toString());
  }
}
