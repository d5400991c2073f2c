export { ConfigReader } from "./config-reader";
