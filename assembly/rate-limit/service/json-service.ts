import { CalloutOutcome, CalloutRequest, CalloutResponse, ConfigReader, decimal, HttpCallout, JsonWriter } from "@attache/sdk"; // prettier-ignore
import { Limit } from "../limit";
import { LimitedStream } from "../limited-stream";
import { readJsonReply } from "./json-reply";
import { RateLimitService } from "./rate-limit-service";
import { unitNames } from "./unit";

/** The service, asked over HTTP, in the JSON that protobuf messages have: numbers may stand in strings there. */
@final
export class JsonService extends RateLimitService {
  private readonly path: string;
  private json: JsonWriter = changetype<JsonWriter>(0);

  constructor(config: ConfigReader, target: ConfigReader) {
    super(config, target);
    const path = target.string("path", "/json");
    if (!path.startsWith("/")) target.get("path").error("must start with /");
    this.path = path;
  }

  override send(stream: LimitedStream | null): bool {
    const hits = min<u64>(this.cost, u32.MAX_VALUE);
    const body = this.json.endArray().name("hitsAddend").string(decimal(hits)).endObject().end();
    const request = new CalloutRequest(this.cluster, "ratelimit", this.path, "POST")
      .header("content-type", "application/json")
      .timeout(this.timeoutMs)
      .bytes(body);
    return new ServiceCallout(this, stream).send(request);
  }

  protected override open(): void {
    this.json = JsonWriter.begin().beginObject().name("domain").string(this.domain).name("descriptors").beginArray();
  }

  protected override describe(limit: Limit): void {
    const json = this.json.beginObject().name("entries").beginArray();
    const key = limit.key;
    for (let index = 0; index < key.entries.length; index++) {
      const value = key.valueAt(index);
      if (value === null) continue;
      json.beginObject().name("key").string(key.entries[index].name).name("value").bytes(value).endObject();
    }
    json.endArray();
    const quota = limit.quota;
    if (quota.unit != 0) {
      json.name("limit").beginObject().name("requestsPerUnit").string(decimal(quota.perUnit));
      json
        .name("unit")
        .string(unitNames()[quota.unit - 1])
        .endObject();
    }
    if (this.saysHits(limit)) json.name("hitsAddend").string(decimal(limit.takes));
    json.endObject();
  }
}

/** One question. */
@final
class ServiceCallout extends HttpCallout {
  constructor(
    private readonly service: RateLimitService,
    private readonly stream: LimitedStream | null,
  ) {
    super();
  }

  override onOutcome(outcome: CalloutOutcome, response: CalloutResponse): void {
    // The status says the same as the answer when there is one.
    this.service.answered(this.stream, outcome == CalloutOutcome.Ok ? readJsonReply(response.bytes()) : null);
  }
}
