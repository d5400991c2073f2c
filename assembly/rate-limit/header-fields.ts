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

  /** @param replaces whether what `headers` have of these names goes */
  writeTo(headers: HeaderMap, replaces: bool): void {
    for (let at = 0; at < this.names.length; at++) {
      const name = unchecked(this.names[at]);
      const value = unchecked(this.values[at]);
      if (replaces) headers.set(name, value);
      else headers.append(name, value);
    }
  }

  addTo(reply: LocalReply): void {
    for (let at = 0; at < this.names.length; at++) reply.header(unchecked(this.names[at]), unchecked(this.values[at]));
  }
}
