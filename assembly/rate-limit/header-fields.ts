import { HeaderMap, LocalReply } from "@attache/sdk";

/** Header fields with their values. */
@final
export class HeaderFields {
  /** Names and values in turn. */
  private readonly texts: string[] = [];

  add(name: string, value: string): void {
    this.texts.push(name);
    this.texts.push(value);
  }

  /** Adds what a service says. Names such as `:path` are not for it to set. */
  addForeign(name: string, value: string): void {
    if (name.length > 0 && !name.startsWith(":")) this.add(name, value);
  }

  /** @param replaces whether what `headers` have of these names goes */
  writeTo(headers: HeaderMap, replaces: bool): void {
    for (let at = 0; at < this.texts.length; at += 2) {
      const name = unchecked(this.texts[at]);
      const value = unchecked(this.texts[at + 1]);
      if (replaces) headers.set(name, value);
      else headers.append(name, value);
    }
  }

  addTo(reply: LocalReply): void {
    const texts = this.texts;
    for (let at = 0; at < texts.length; at += 2) reply.header(unchecked(texts[at]), unchecked(texts[at + 1]));
  }
}
