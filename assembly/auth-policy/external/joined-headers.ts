import { ByteView, isUtf8, RequestHeaders } from "@attache/sdk";

/**
 * The headers of a request, each name once with all its lines joined, as services see them: one that is in a map twice would
 * be read by one of its values. Views are valid until the callback returns.
 */
@final
export class JoinedHeaders {
  readonly names: ByteView[] = [];
  readonly values: ByteView[] = [];

  constructor(headers: RequestHeaders) {
    const count = headers.count;
    for (let index = 0; index < count; index++) {
      const name = headers.nameAt(index)!;
      const value = headers.valueAt(index)!;
      const known = this.indexOf(name);
      if (known < 0) {
        this.names.push(name);
        this.values.push(value);
      } else {
        const separator = ByteView.ofText(name.equals("cookie") ? "; " : ",");
        this.values[known] = this.values[known].concat(separator).concat(value);
      }
    }
    for (let index = 0; index < this.values.length; index++) this.values[index] = utf8(this.values[index]);
  }

  private indexOf(name: ByteView): i32 {
    for (let index = 0; index < this.names.length; index++) {
      const other = this.names[index];
      if (other.length == name.length && memory.compare(other.start, name.start, name.length) == 0) return index;
    }
    return -1;
  }
}

/** The bytes, with U+FFFD for what is not UTF-8: a message that has anything else is no message. */
export function utf8(bytes: ByteView): ByteView {
  return isUtf8(bytes.start, bytes.length) ? bytes : ByteView.ofText(bytes.toString());
}
