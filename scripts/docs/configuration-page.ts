/** The part of JSON Schema 2020-12 that describes configurations of filters. */
interface Schema {
  $ref?: string;
  title?: string;
  description?: string;
  type?: string;
  enum?: unknown[];
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  $defs?: Record<string, Schema>;
}

/** The reference page of a filter's configuration: a table for each object of its schema. */
export function configurationPage(schema: Schema): string {
  const sections = Object.entries(schema.$defs ?? {}).filter(([, { properties }]) => properties !== undefined);
  return [
    `# Configuration of ${schema.title}`,
    `Generated from [\`schema.json\`](../../assembly/${schema.title}/schema.json), which editors understand: \`npm run docs\` brings it up to date.`,
    `${schema.description ?? ""} Names may be written in snake_case, too; \`null\` is the same as absent; unknown fields are errors.`,
    table(schema, schema),
    ...sections.flatMap(([name, section]) => [`## ${name}`, section.description ?? "", table(section, schema)]),
  ].join("\n\n");
}

function table(schema: Schema, root: Schema): string {
  return ["| field | type | meaning |", "| --- | --- | --- |", ...rows(schema, root, "")].join("\n");
}

/** Objects without a name of their own are described where they stand. */
function rows({ properties = {}, required = [] }: Schema, root: Schema, prefix: string): string[] {
  return Object.entries(properties).flatMap(([name, member]) => {
    const isRequired = required.includes(name) ? "required; " : "";
    const text = `${isRequired}${member.description ?? resolve(member, root).description ?? ""}`.replaceAll("|", "\\|");
    const row = `| \`${prefix}${name}\` | ${typeOf(member, root)} | ${text} |`;
    const inner = member.properties !== undefined ? member : member.items;
    const path = member.properties !== undefined ? `${prefix}${name}.` : `${prefix}${name}[].`;
    return inner?.properties === undefined ? [row] : [row, ...rows(inner, root, path)];
  });
}

function typeOf(schema: Schema, root: Schema): string {
  if (schema.$ref !== undefined) {
    const name = nameOf(schema.$ref);
    return resolve(schema, root).properties === undefined
      ? typeOf(resolve(schema, root), root)
      : `[${name}](#${name.toLowerCase()})`;
  }
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
  if (schema.type === "array") return `list of ${schema.items === undefined ? "anything" : typeOf(schema.items, root)}`;
  if (schema.type === "object" && typeof schema.additionalProperties === "object") {
    return `map to ${typeOf(schema.additionalProperties, root)}`;
  }
  const { minimum, maximum } = schema;
  const range = minimum === undefined ? "" : maximum === undefined ? `, from ${minimum}` : `, ${minimum} to ${maximum}`;
  return `${schema.type ?? "anything"}${range}`;
}

function resolve(schema: Schema, root: Schema): Schema {
  return schema.$ref === undefined ? schema : root.$defs![nameOf(schema.$ref)]!;
}

function nameOf(reference: string): string {
  return reference.slice(reference.lastIndexOf("/") + 1);
}
