/** A configuration with one thing changed. */
export interface Mutation {
  /** Where: `http[0].match`. */
  path: string;
  what: string;
  mutant: unknown;
}

const replacements: readonly unknown[] = ["text", "", 5, -1, 1e12, 1.5, true, [], {}];

/** Every value replaced by others, left out, and every object with a member more. `null`, which means absent, is not used. */
export function mutations(configuration: unknown): Mutation[] {
  const found: Mutation[] = [];
  visit(configuration, "", [], (path, keys, value) => {
    const mutate = (what: string, change: (holder: Record<string | number, unknown>, key: string | number) => void) => {
      const mutant = structuredClone(configuration);
      let holder = mutant as Record<string | number, unknown>;
      for (const key of keys.slice(0, -1)) holder = holder[key] as Record<string | number, unknown>;
      change(holder, keys.at(-1)!);
      found.push({ path, what, mutant });
    };
    if (keys.length > 0) {
      for (const replacement of replacements) {
        if (JSON.stringify(replacement) !== JSON.stringify(value)) {
          mutate(JSON.stringify(replacement), (holder, key) => (holder[key] = replacement));
        }
      }
      mutate("leaving it out", (holder, key) =>
        Array.isArray(holder) ? holder.splice(Number(key), 1) : delete holder[key],
      );
      if (typeof value === "object" && !Array.isArray(value)) {
        mutate("an unknown member", (holder, key) => (holder[key] = { ...(value as object), unknownMember: true }));
      }
    }
  });
  return found;
}

function visit(
  value: unknown,
  path: string,
  keys: (string | number)[],
  each: (path: string, keys: (string | number)[], value: unknown) => void,
): void {
  each(path, keys, value);
  if (Array.isArray(value)) value.forEach((entry, index) => visit(entry, `${path}[${index}]`, [...keys, index], each));
  else if (typeof value === "object" && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      visit(member, path === "" ? name : `${path}.${name}`, [...keys, name], each);
    }
  }
}
