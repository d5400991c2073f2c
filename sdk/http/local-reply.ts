import { proxy_send_local_response } from "../abi/imports";
import { Status } from "../abi/enums";
import { currentContext } from "../context/callback";
import { claimLocalReply } from "../context/streams";
import { decimal } from "../json/text";
import { log } from "../log/log";
import { writtenBytes, writtenSize } from "../memory/byte-writer";
import { encodeText, textSize } from "../memory/utf8";
import { FilterHeaders } from "./filter-status";
import { HeaderList } from "./header-list";

/**
 * An answer from the proxy itself instead of the upstream's:
 *
 * ```ts
 * return new LocalReply(429).header("retry-after", "3").text("slow down").send();
 * ```
 *
 * The reply passes the response callbacks of the filters that saw the request, this one's included. A gRPC client
 * gets its status and message in gRPC's form.
 */
export class LocalReply {
  private headers: HeaderList = new HeaderList();
  private body: string = "";
  private codeDetails: string = "";
  private grpc: i32 = -1;

  /** @param status 200 to 599; another one is answered as 500, with an error in the log */
  constructor(private status: i32) {
    if (status < 200 || status > 599) {
      log.error("a local reply cannot have status " + decimal(status) + ": answering 500");
      this.status = 500;
    }
  }

  /** Adds a header. One with an empty name, or with NUL, CR or LF in it, is left out, with an error in the log. */
  header(name: string, value: string): LocalReply {
    if (!this.headers.add(name, value)) {
      log.error('a local reply cannot have a header named "' + name + '" with this value: left out');
    }
    return this;
  }

  /** The body; the proxy adds `content-length`, and `content-type: text/plain` unless a header says otherwise. */
  text(body: string): LocalReply {
    this.body = body;
    return this;
  }

  /** A body with `content-type: application/json`. */
  json(body: string): LocalReply {
    return this.header("content-type", "application/json").text(body);
  }

  /** Why, in a word, for `%RESPONSE_CODE_DETAILS%` in access logs. */
  details(details: string): LocalReply {
    this.codeDetails = details;
    return this;
  }

  /** The `grpc-status` (0 to 16) a gRPC client gets; made from the HTTP status when absent. */
  grpcStatus(status: i32): LocalReply {
    this.grpc = status;
    return this;
  }

  /**
   * Sends the reply. What the callback returns is then ignored by the proxy; return this value.
   *
   * A stream is answered once: a second reply is left out, with an error in the log. A reply with status 204 or 304 has
   * no body.
   *
   * Allowed in: callbacks of a stream. Once response headers have gone to the client, the stream is reset instead.
   */
  send(): FilterHeaders {
    if (!claimLocalReply(currentContext)) {
      log.error("a second local reply to the same stream: left out");
      // The first one may be on its way through this very callback: it must not be held.
      return FilterHeaders.Continue;
    }
    const details = encodeText(this.codeDetails);
    const body = encodeText(this.status == 204 || this.status == 304 ? "" : this.body);
    this.headers.write();
    const result = proxy_send_local_response(
      this.status,
      details,
      textSize(details),
      body,
      textSize(body),
      writtenBytes(),
      writtenSize(),
      this.grpc,
    );
    if (result != Status.Ok) log.error("the proxy refused a local reply");
    return FilterHeaders.StopIteration;
  }
}
