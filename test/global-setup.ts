import { buildStale } from "../scripts/build.ts";

/** Tests use the filters' compiled modules: bring them up to date first. */
export default async function setup(): Promise<void> {
  await buildStale(console.log);
}
