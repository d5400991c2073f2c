export { split } from "./claim-match";
export { RequestFacts } from "./request-facts";
export { findCookie, NamedMatch, RequestMatch } from "./request-match";
export { StringMatch } from "./string-match";
