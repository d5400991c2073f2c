export { envoy, LifeSpan, PropertyType, SignatureCheck } from "./envoy";
export { Expression } from "./expression";
export { ForeignFunction } from "./foreign-function";
