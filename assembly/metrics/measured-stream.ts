import { Body, currentTimeNs, FilterData, FilterHeaders, HttpFilter, RequestHeaders } from "@attache/sdk";
import { GrpcMessages } from "./grpc-messages";
import { Metrics } from "./metrics";
import { Protocol } from "./standard-values";

/** What is known of a stream before it has ended: its protocol, and the messages of gRPC. */
@final
export class MeasuredStream extends HttpFilter {
  /** Not known where messages are not counted, and when the stream was answered before it came here. */
  protocol: Protocol = Protocol.Unknown;
  /** Of gRPC, where they are counted. */
  messages: GrpcMessages | null = null;

  constructor(private readonly plugin: Metrics) {
    super();
  }

  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const plugin = this.plugin;
    if (plugin.countsMessages) {
      this.protocol = plugin.readProtocol();
      if (this.protocol == Protocol.Grpc) this.messages = new GrpcMessages(currentTimeNs());
    }
    return FilterHeaders.Continue;
  }

  override onRequestBody(body: Body, endOfStream: bool): FilterData {
    const messages = this.messages;
    if (messages !== null) {
      messages.requests.read(body);
      this.plugin.messagesPassed(messages);
    }
    return FilterData.Continue;
  }

  override onResponseBody(body: Body, endOfStream: bool): FilterData {
    const messages = this.messages;
    if (messages !== null) {
      messages.responses.read(body);
      this.plugin.messagesPassed(messages);
    }
    return FilterData.Continue;
  }

  override onLog(): void {
    this.plugin.record(this);
  }
}
