export { JsonDocument } from "./document";
export { JsonKind } from "./json-kind";
export { JsonNode } from "./node";
export { NumberStatus } from "./number";
export { JsonWriter } from "./writer";
