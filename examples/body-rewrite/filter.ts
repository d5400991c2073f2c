import {
  Body,
  BodyAccess,
  ByteView,
  ConfigReader,
  FilterData,
  FilterHeaders,
  HttpFilter,
  LocalReply,
  OverLimit,
  Plugin,
  registerPlugin,
  RequestHeaders,
  ResponseHeaders,
} from "@attache/sdk";
export * from "@attache/sdk/proxy";

const STAR: u8 = 0x2a;
const SHORTEST_CARD = 13;
const LONGEST_CARD = 19;
const SHOWN_DIGITS = 4;

class CardMask extends Plugin {
  maxBytes: i32 = 0;

  override configure(config: ConfigReader): void {
    this.maxBytes = <i32>config.integer("maxBytes", 262144, 1, 16777216);
  }

  override createFilter(): HttpFilter {
    return new MaskCards(this);
  }
}

class MaskCards extends HttpFilter {
  constructor(private plugin: CardMask) {
    super();
  }

  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    headers.delete("accept-encoding"); // A compressed body cannot be read.
    headers.delete("range"); // Nor a number whose other half is in another part.
    return FilterHeaders.Continue;
  }

  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    if (!isText(headers)) return FilterHeaders.Continue;
    if (headers.has("content-encoding")) return new LocalReply(502).text("the response is compressed").send();
    return headers.collectBody(endOfStream, this.plugin.maxBytes, OverLimit.Reject, BodyAccess.Change);
  }

  override onWholeResponseBody(body: Body): FilterData {
    const bytes = body.bytes();
    if (maskCards(bytes)) body.replaceBytes(bytes);
    return FilterData.Continue;
  }
}

function isText(headers: ResponseHeaders): bool {
  const type = headers.get("content-type");
  return type !== null && (type.startsWith("text/") || type.startsWith("application/json"));
}

/** Puts stars in place of card numbers but for their last four digits. Whether there were any. */
function maskCards(bytes: ByteView): bool {
  let found = false;
  let index = 0;
  while (index < bytes.length) {
    const end = endOfNumber(bytes, index);
    if (isCard(bytes, index, end)) {
      mask(bytes, index, end);
      found = true;
    }
    index = max(end, index + 1);
  }
  return found;
}

/** End of the number that begins at `start`: digits, with single spaces or dashes between them. */
function endOfNumber(bytes: ByteView, start: i32): i32 {
  let end = start;
  while (isDigit(bytes.at(end))) {
    end += 1;
    if ((bytes.at(end) == 0x20 || bytes.at(end) == 0x2d) && isDigit(bytes.at(end + 1))) end += 1;
  }
  return end;
}

/** Whether the digits have the length of a card number and its check digit (ISO/IEC 7812-1: Luhn's formula). */
function isCard(bytes: ByteView, start: i32, end: i32): bool {
  let digits = 0;
  let sum = 0;
  for (let index = end - 1; index >= start; index--) {
    if (!isDigit(bytes.at(index))) continue;
    const value = (<i32>(bytes.at(index) - 0x30)) << (digits & 1);
    sum += value > 9 ? value - 9 : value;
    digits += 1;
  }
  return digits >= SHORTEST_CARD && digits <= LONGEST_CARD && sum % 10 == 0;
}

function mask(bytes: ByteView, start: i32, end: i32): void {
  let digits = 0;
  for (let index = end - 1; index >= start; index--) {
    if (!isDigit(bytes.at(index))) continue;
    digits += 1;
    if (digits > SHOWN_DIGITS) bytes.setAt(index, STAR);
  }
}

function isDigit(byte: u8): bool {
  return byte - 0x30 < 10;
}

registerPlugin(() => new CardMask());
