export { build, BuildError, type BuildOptions, type BuildResult } from "./build.ts";
