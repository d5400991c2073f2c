export { StringMatch } from "./string-match";
