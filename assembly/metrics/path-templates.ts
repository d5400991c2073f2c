import { ConfigReader, Text, UriTemplate } from "@attache/sdk";

/**
 * The paths of an API as a few templates, `/users/{*}/orders`: values of a label that requests cannot make more of.
 * Templates are those of Istio's AuthorizationPolicy.
 */
export class PathTemplates {
  private readonly templates: UriTemplate[] = [];
  private readonly names: Text[] = [];
  private readonly other: Text = new Text("other");

  constructor(config: ConfigReader) {
    for (let index = 0; index < config.length; index++) {
      const name = config.at(index).asString();
      const template = new UriTemplate(name);
      if (template.error !== null) config.at(index).error(template.error!);
      this.templates.push(template);
      this.names.push(new Text(name));
    }
  }

  get isEmpty(): bool {
    return this.names.length == 0;
  }

  /** The first template that takes the path, which may have a query; `other` when none does. */
  find(path: usize, length: i32): Text {
    let end = 0;
    while (end < length && load<u8>(path + end) != 0x3f && load<u8>(path + end) != 0x23) end++;
    const templates = this.templates;
    for (let index = 0; index < templates.length; index++) {
      if (unchecked(templates[index]).matches(path, end)) return unchecked(this.names[index]);
    }
    return this.other;
  }
}
