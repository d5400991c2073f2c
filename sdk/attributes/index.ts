export { connection, destination, source } from "./connection";
export { filterMetadata } from "./filter-metadata";
export { getProperty, getPropertyAt, setProperty, setPropertyBytes } from "./property";
export { request } from "./request";
export { response } from "./response";
export { upstream } from "./upstream";
export { attributeBool, attributeInteger, attributeNumber, attributeText } from "./value";
export { pluginIdentity, xds } from "./xds";
