export { RequestMatch } from "./request-match";
export { StringMatch } from "./string-match";
