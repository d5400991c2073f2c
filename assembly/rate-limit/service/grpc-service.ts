import { CalloutOutcome, ConfigReader, GrpcCall, GrpcReply, GrpcRequest, GrpcStatus, ProtobufWriter } from "@attache/sdk"; // prettier-ignore
import { Limit } from "../limit";
import { LimitedStream } from "../limited-stream";
import { readProtobufReply } from "./protobuf-reply";
import { RateLimitService } from "./rate-limit-service";

/** The service, asked over gRPC. */
@final
export class GrpcService extends RateLimitService {
  private readonly message: ProtobufWriter = new ProtobufWriter();

  constructor(config: ConfigReader, target: ConfigReader) {
    super(config, target);
  }

  override send(stream: LimitedStream | null): bool {
    const request = new GrpcRequest(this.cluster, "envoy.service.ratelimit.v3.RateLimitService", "ShouldRateLimit");
    const hits = <u32>min<u64>(this.cost, u32.MAX_VALUE);
    return new ServiceCall(this, stream).send(request.timeout(this.timeoutMs), this.message.uint32(3, hits).written());
  }

  protected override open(): void {
    this.message.clear();
    this.message.text(1, this.domain);
  }

  protected override describe(limit: Limit): void {
    const descriptor = new ProtobufWriter();
    const key = limit.key;
    for (let index = 0; index < key.entries.length; index++) {
      const value = key.valueAt(index);
      // The service takes UTF-8 only.
      if (value !== null) descriptor.message(1, new ProtobufWriter().text(1, key.entries[index].name).text(2, value.toString())); // prettier-ignore
    }
    const quota = limit.quota;
    if (quota.unit != 0) descriptor.message(2, new ProtobufWriter().uint32(1, quota.perUnit).int32(2, quota.unit));
    if (this.saysHits(limit)) descriptor.message(3, new ProtobufWriter().uint64(1, limit.takes));
    this.message.message(2, descriptor);
  }
}

/** One question. */
@final
class ServiceCall extends GrpcCall {
  constructor(
    private readonly service: RateLimitService,
    private readonly stream: LimitedStream | null,
  ) {
    super();
  }

  override onOutcome(outcome: CalloutOutcome, reply: GrpcReply): void {
    const isAnswer = outcome == CalloutOutcome.Ok && reply.status == GrpcStatus.Ok;
    this.service.answered(this.stream, isAnswer ? readProtobufReply(reply.bytes()) : null);
  }
}
