export { RequestFacts } from "./request-facts";
export { findCookie, NamedMatch, RequestMatch } from "./request-match";
export { StringMatch } from "./string-match";
