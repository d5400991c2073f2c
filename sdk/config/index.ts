export { ConfigReader } from "./config-reader";
export { publishConfigStatus } from "./publish-status";
