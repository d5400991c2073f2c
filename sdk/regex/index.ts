export { Regex, RegexMode } from "./regex";
