import { ByteView, ConfigReader, RequestHeaders, Text } from "@attache/sdk";
import { StringMatch } from "./string-match";

/** Istio's `HTTPMatchRequest`: all of what is given must match. */
export class RequestMatch {
  private uri: StringMatch | null = null;
  private method: StringMatch | null = null;
  private authority: StringMatch | null = null;
  private scheme: StringMatch | null = null;
  private readonly headers: NamedMatch[] = [];
  private readonly withoutHeaders: NamedMatch[] = [];
  private readonly queryParams: NamedMatch[] = [];

  constructor(config: ConfigReader) {
    config.string("name", "");
    const ignoreUriCase = config.bool("ignoreUriCase", false);
    if (config.has("uri")) this.uri = new StringMatch(config.object("uri"), ignoreUriCase);
    if (config.has("method")) this.method = new StringMatch(config.object("method"));
    if (config.has("authority")) this.authority = new StringMatch(config.object("authority"), true);
    if (config.has("scheme")) this.scheme = new StringMatch(config.object("scheme"));
    readNamed(config.object("headers"), this.headers, true);
    readNamed(config.object("withoutHeaders"), this.withoutHeaders, true);
    readNamed(config.object("queryParams"), this.queryParams, false);
  }

  matches(headers: RequestHeaders): bool {
    if (!matchesPseudo(this.method, headers, ":method")) return false;
    if (!matchesPseudo(this.authority, headers, ":authority")) return false;
    if (!matchesPseudo(this.scheme, headers, ":scheme")) return false;
    return (
      (this.uri === null && this.queryParams.length == 0 ? true : this.matchesPath(headers.getBytes(":path"))) &&
      this.matchesHeaders(headers)
    );
  }

  private matchesPath(path: ByteView | null): bool {
    if (path === null) return false;
    const fragment = path.indexOf(0x23);
    const end = fragment < 0 ? path.length : fragment;
    const question = path.indexOf(0x3f);
    const pathEnd = question < 0 || question > end ? end : question;
    const uri = this.uri;
    if (uri !== null && !uri.matchesBytes(path.start, pathEnd)) return false;
    const queryParams = this.queryParams;
    for (let index = 0; index < queryParams.length; index++) {
      const param = unchecked(queryParams[index]);
      if (!param.match.matches(findQueryParam(path.slice(pathEnd + 1, end), param.name))) return false;
    }
    return true;
  }

  private matchesHeaders(headers: RequestHeaders): bool {
    const wanted = this.headers;
    for (let index = 0; index < wanted.length; index++) {
      const header = unchecked(wanted[index]);
      if (!header.match.matches(headers.getJoinedOf(header.name))) return false;
    }
    const unwanted = this.withoutHeaders;
    for (let index = 0; index < unwanted.length; index++) {
      const header = unchecked(unwanted[index]);
      const value = headers.getJoinedOf(header.name);
      // A header that is not there is compared as the empty one, unless only presence counts.
      if (value !== null ? header.match.matches(value) : !header.match.isPresence && header.match.matchesBytes(0, 0)) {
        return false;
      }
    }
    return true;
  }
}

class NamedMatch {
  constructor(
    readonly name: Text,
    readonly match: StringMatch,
  ) {}
}

function readNamed(config: ConfigReader, into: NamedMatch[], areHeaders: bool): void {
  for (let index = 0; index < config.length; index++) {
    const entry = config.at(index);
    if (entry.key.length == 0) entry.error("a name cannot be empty");
    if (areHeaders && ",uri,scheme,method,authority,".includes("," + entry.key + ",")) {
      entry.warn("is ignored, as Istio does: match on the field " + entry.key + " beside headers");
      continue;
    }
    into.push(new NamedMatch(new Text(entry.key), new StringMatch(entry.asObject())));
  }
}

function matchesPseudo(match: StringMatch | null, headers: RequestHeaders, name: string): bool {
  return match === null || match.matches(headers.getBytes(name));
}

/** Value of the first parameter called `name`, not decoded; empty when it has no `=`; `null` when it is not there. */
function findQueryParam(query: ByteView, name: Text): ByteView | null {
  let start = 0;
  while (start < query.length) {
    const ampersand = query.indexOf(0x26, start);
    const end = ampersand < 0 ? query.length : ampersand;
    const equals = query.indexOf(0x3d, start);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    if (nameEnd - start == name.length && memory.compare(query.start + start, name.encoded, name.length) == 0) {
      return query.slice(min(nameEnd + 1, end), end);
    }
    start = end + 1;
  }
  return null;
}
