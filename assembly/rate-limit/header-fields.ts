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

  /** Adds what a service says. Names such as `:path` are not for it to set. */
  addForeign(name: string, value: string): void {
    if (name.length > 0 && !name.startsWith(":")) this.add(name, value);
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
