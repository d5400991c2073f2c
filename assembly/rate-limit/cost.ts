import { ByteView, ConfigReader, queryParameter, RequestHeaders, ResponseHeaders, Text } from "@attache/sdk";
import { exactlyOne } from "./exactly-one";
import { digits, leadingNumber } from "./leading-number";
import { LARGEST_COUNT } from "./read-quota";
import { hasStatus, readStatuses } from "./statuses";

/** How much of a limit one request takes: a number, or one that the request or its response names, within bounds. */
@final
export class Cost {
  private readonly fixed: u64;
  private readonly largest: u64;
  private readonly header: Text | null;
  private readonly responseHeader: Text | null;
  private readonly query: string;
  /** Of responses that count; all do when there are none. */
  private readonly statuses: i32[];

  constructor(config: ConfigReader) {
    const from = config.object("costFrom");
    this.fixed = config.integer("cost", 1, 1, LARGEST_COUNT);
    this.largest = from.integer("max", 1_000_000, 1, LARGEST_COUNT);
    this.query = from.string("query", "");
    this.header = nameOf(from, "header");
    this.responseHeader = nameOf(from, "responseHeader");
    this.statuses = readStatuses(config.array("countStatuses"));
    const kinds = <i32>(this.header !== null) + <i32>(this.query.length > 0) + <i32>(this.responseHeader !== null);
    if (from.isPresent) exactlyOne(from, kinds, "header, query and responseHeader");
  }

  /** Whether only the response tells what the request takes. */
  get isLate(): bool {
    return this.responseHeader !== null || this.statuses.length > 0;
  }

  /** What is no whole number of at least 1 counts as the fixed cost; what is too much as the largest. */
  of(headers: RequestHeaders): u64 {
    const header = this.header;
    let text: ByteView | null = null;
    if (header !== null) {
      text = headers.getBytesOf(header);
    } else if (this.query.length > 0) {
      const path = headers.getBytes(":path");
      if (path !== null) text = queryParameter(path, this.query);
    }
    const cost = this.parse(text);
    return cost == 0 ? this.fixed : cost;
  }

  /**
   * As {@link of} what a request takes whose response has these headers; 0 when it does not count, or says so itself. Without a
   * response, `null`, it takes the fixed cost.
   */
  ofResponse(headers: ResponseHeaders | null): u64 {
    if (headers === null) return this.fixed;
    if (this.statuses.length > 0 && !hasStatus(this.statuses, headers.status)) return 0;
    const header = this.responseHeader;
    return header === null ? this.fixed : this.parse(headers.getBytesOf(header));
  }

  private parse(text: ByteView | null): u64 {
    if (text === null) return this.fixed;
    const value: u64 = leadingNumber(text);
    return digits == 0 || digits < text.length ? this.fixed : min(value, this.largest);
  }
}

function nameOf(config: ConfigReader, field: string): Text | null {
  const name = config.string(field, "");
  return name.length > 0 ? new Text(name) : null;
}
