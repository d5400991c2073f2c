import { Problem } from "../problem.ts";

/** Where an image is: `registry.example.com/team/filter:1.2.0`. */
export interface Reference {
  /** Host and port. */
  registry: string;
  repository: string;
  /** A tag, or a digest that begins with `sha256:`. */
  version: string;
}

const pattern =
  /^(?:oci:\/\/)?((?:[\w-]+\.)+[\w-]+(?::\d+)?|localhost(?::\d+)?|[\w.-]+:\d+|\[[0-9a-f:]+\](?::\d+)?)\/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/;

/** Reads a reference, with or without `oci://`; without a tag it is `latest`. Beside a digest, a tag counts for nothing. */
export function parseReference(text: string): Reference {
  const [, registry, repository, tag, digest] = pattern.exec(text) ?? [];
  if (registry === undefined || repository === undefined) {
    const shape = "HOST[:PORT]/NAME[:TAG], such as registry.example.com/filters/auth:1.0.0";
    throw new Problem(`${JSON.stringify(text)} is no image reference: it is written ${shape}`);
  }
  return { registry, repository, version: digest ?? tag ?? "latest" };
}

export function formatReference({ registry, repository, version }: Reference): string {
  return `${registry}/${repository}${version.startsWith("sha256:") ? "@" : ":"}${version}`;
}
