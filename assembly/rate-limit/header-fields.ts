import { HeaderMap, LocalReply } from "@attache/sdk";

/** Header fields with their values. */
@final
export class HeaderFields {
  private readonly names: string[] = [];
  private readonly values: string[] = [];

  add(name: string, value: string): void {
    this.names.push(name);
    this.values.push(value);
  }

  /** Replaces what `headers` have of these names. */
  applyTo(headers: HeaderMap): void {
    for (let at = 0; at < this.names.length; at++) headers.set(unchecked(this.names[at]), unchecked(this.values[at]));
  }

  /** Keeps what `headers` have of these names. */
  appendTo(headers: HeaderMap): void {
    for (let at = 0; at < this.names.length; at++)
      headers.append(unchecked(this.names[at]), unchecked(this.values[at]));
  }

  addTo(reply: LocalReply): void {
    for (let at = 0; at < this.names.length; at++) reply.header(unchecked(this.names[at]), unchecked(this.values[at]));
  }
}
