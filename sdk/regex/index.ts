export { Regex, RegexMode } from "./regex";
export { RegexReplacement } from "./regex-replacement";
export { enableUnicodeClasses } from "./unicode-classes";
export { RegexSearch } from "./regex-search";
