import {
  FilterHeaders,
  HttpFilter,
  log,
  Plugin,
  registerPlugin,
  request,
  RequestHeaders,
  response,
  source,
  upstream,
  xds,
} from "@attache/sdk";
export * from "@attache/sdk/proxy";

class Attributes extends Plugin {
  override createFilter(): HttpFilter {
    return new AccessLog();
  }
}

class AccessLog extends HttpFilter {
  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const address = source.address;
    if (address === null) {
      headers.delete("x-client-address");
    } else {
      headers.set("x-client-address", address);
    }
    return FilterHeaders.Continue;
  }

  override onLog(): void {
    const fields = [
      text("method", request.method),
      text("path", request.path),
      number("status", response.code),
      text("details", response.codeDetails),
      number("bytesReceived", request.size),
      number("bytesSent", response.size),
      number("durationUs", request.durationNs < 0 ? -1 : request.durationNs / 1000),
      text("client", source.address),
      text("upstream", upstream.address),
      text("route", xds.routeName),
    ];
    log.info("{" + fields.join(",") + "}");
  }
}

function text(name: string, value: string | null): string {
  return '"' + name + '":' + (value === null ? "null" : '"' + escape(value) + '"');
}

/** Numbers that are absent are negative. */
function number(name: string, value: i64): string {
  return '"' + name + '":' + (value < 0 ? "null" : value.toString());
}

/** As RFC 8259 asks; who sends the request must not be able to add fields or lines. */
function escape(value: string): string {
  let escaped = "";
  let from = 0;
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index);
    if (unit >= 0x20 && unit != 0x22 && unit != 0x5c) continue;
    escaped += value.substring(from, index) + "\\u" + unit.toString(16).padStart(4, "0");
    from = index + 1;
  }
  return from == 0 ? value : escaped + value.substring(from);
}

registerPlugin(() => new Attributes());
