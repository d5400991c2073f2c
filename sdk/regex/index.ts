export { Regex, RegexMode } from "./regex";
export { RegexReplacement } from "./regex-replacement";
export { enableUnicodeClasses } from "./unicode-classes";
export { RegexSet } from "./regex-set";
export { RegexSearch } from "./regex-search";
