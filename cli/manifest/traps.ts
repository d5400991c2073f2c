/** What control planes take and then do otherwise than one reads it; measured in `test/e2e/istio`. */

/** What is wrong with the `url` of a WasmPlugin, or `null`. */
export function urlProblem(url: string): string | null {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/.exec(url) ?? [];
  if (scheme !== undefined) {
    if (!["oci", "https", "http", "file"].includes(scheme)) {
      return `Istio does not load from ${scheme}://, only from oci://, https://, http:// and file://`;
    }
    return rest === "" ? `${scheme}:// of what?` : null;
  }
  // Without a port, Istio reads it as oci://.
  if (!url.split("/", 1)[0]!.includes(":")) return null;
  const looksLikeScheme = /^[a-z][a-z0-9+.-]*:/i.test(url);
  const outcome = looksLikeScheme ? "takes its host for one" : "drops it in silence, and traffic runs unfiltered";
  return `${JSON.stringify(url)} has a port and no scheme, so Istio ${outcome}: write oci://${url}`;
}

/** What is wrong with the `sha256` beside a `url`, or `null`. */
export function digestProblem(sha256: string, url: string): string | null {
  if (/^sha256:/.test(sha256)) return `write ${sha256.slice("sha256:".length)}, without sha256:`;
  if (!/^[0-9a-f]{64}$/.test(sha256))
    return `${JSON.stringify(sha256)} is not 64 hexadecimal digits, as \`attache push\` prints them`;
  if (url.startsWith("file://")) return "nobody compares it with a file://: leave it out";
  const [, ofUrl] = /@sha256:([0-9a-f]{64})$/.exec(url) ?? [];
  if (ofUrl !== undefined && ofUrl !== sha256) return `the url names another digest, ${ofUrl}`;
  return null;
}

/** Whole numbers that would reach a filter as others: control planes read them as doubles. */
export function inexactNumbers(value: unknown, path: string): string[] {
  if (typeof value === "bigint") {
    if (BigInt(Number(value)) === value) return [];
    return [`${path}: ${value} reaches the filter as ${Number(value)}: write it as text`];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    inexactNumbers(item, Array.isArray(value) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`),
  );
}

/** Whole numbers of a parsed YAML as JavaScript's, once {@link inexactNumbers} finds none. */
export function plainNumbers(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plainNumbers);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainNumbers(item)]));
}

/** What FAIL_OPEN does not do. */
export const failOpenNote =
  "with FAIL_OPEN requests pass unfiltered while the module cannot be pulled and after it has failed; a configuration " +
  "that the filter rejects, and a file that is not there, still answer every request with 500";
