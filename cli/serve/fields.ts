import { Problem } from "../problem.ts";

/**
 * A mapping of a configuration file that is read field by field: what nobody asked for is an error that names it, and so
 * is a value of another type. Paths are as `listeners[0].name`.
 */
export class Fields {
  readonly path: string;
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #unread: Set<string>;

  constructor(value: unknown, path: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new Problem(`${path}: expected a mapping, found ${describe(value)}`);
    }
    this.path = path;
    this.#fields = value as Record<string, unknown>;
    this.#unread = new Set(Object.keys(value));
  }

  /** The value as it is. */
  value(name: string): unknown {
    this.#unread.delete(name);
    return this.#fields[name] ?? undefined;
  }

  /** Fields that make no difference here. */
  ignore(...names: string[]): void {
    for (const name of names) this.#unread.delete(name);
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined && this.#fields[name] !== null;
  }

  text(name: string): string | undefined {
    return this.#typed(name, "string") as string | undefined;
  }

  requiredText(name: string): string {
    return this.text(name) ?? this.#missing(name);
  }

  number(name: string): number | undefined {
    return this.#typed(name, "number") as number | undefined;
  }

  flag(name: string): boolean {
    return (this.#typed(name, "boolean") as boolean | undefined) ?? false;
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined || choices.includes(text as T)) return text as T | undefined;
    throw new Problem(`${this.#at(name)}: ${JSON.stringify(text)} is not supported: use ${choices.join(" or ")}`);
  }

  fields(name: string): Fields | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : new Fields(value, this.#at(name));
  }

  requiredFields(name: string): Fields {
    return this.fields(name) ?? this.#missing(name);
  }

  list(name: string): Fields[] {
    const value = this.value(name) ?? [];
    if (!Array.isArray(value)) throw new Problem(`${this.#at(name)}: expected a list, found ${describe(value)}`);
    return value.map((item, i) => new Fields(item, `${this.#at(name)}[${i}]`));
  }

  /** The only element of a list. */
  single(name: string): Fields {
    const [first, second] = this.list(name);
    if (second !== undefined) throw new Problem(`${second.path}: only one is supported`);
    return first ?? this.#missing(name);
  }

  entries(): [name: string, value: unknown][] {
    this.#unread.clear();
    return Object.entries(this.#fields);
  }

  /** Ends reading: a field that nobody asked for is not supported. */
  done(): void {
    const [name] = this.#unread;
    if (name !== undefined) throw new Problem(`${this.#at(name)}: is not supported by attache serve`);
  }

  #typed(name: string, type: "string" | "number" | "boolean"): unknown {
    const value = this.value(name);
    if (value === undefined || typeof value === type) return value;
    throw new Problem(`${this.#at(name)}: expected a ${type}, found ${describe(value)}`);
  }

  #missing(name: string): never {
    throw new Problem(`${this.#at(name)}: is missing`);
  }

  #at(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  return Array.isArray(value)
    ? "a list"
    : `the ${typeof value} ${JSON.stringify(value)}`.replace("the object", "a mapping");
}
