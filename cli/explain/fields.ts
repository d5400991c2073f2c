export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A member by its name in lowerCamelCase or, as the filter takes it too, in snake_case; `null` is the same as absent. */
export function member(fields: unknown, name: string): unknown {
  if (!isFields(fields)) return undefined;
  return fields[name] ?? fields[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] ?? undefined;
}

export function fieldsIn(fields: unknown, name: string): Fields {
  const value = member(fields, name);
  return isFields(value) ? value : {};
}

export function listIn(fields: unknown, name: string): unknown[] {
  const value = member(fields, name);
  return Array.isArray(value) ? value : [];
}

export function textIn(fields: unknown, name: string): string {
  const value = member(fields, name);
  return typeof value === "string" ? value : "";
}

/** The fields of a resource's `spec`, or of what has none because it is one. */
export function specOf(resource: unknown): Fields {
  return isFields(resource) && isFields(resource["spec"]) ? resource["spec"] : isFields(resource) ? resource : {};
}
