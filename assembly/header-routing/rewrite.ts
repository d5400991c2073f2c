import { ByteView, ConfigReader, RegexReplacement, Text } from "@attache/sdk";
import { RequestFacts, RequestMatch } from "@attache/istio";
import { optionalHeaderValue } from "./header-text";

/** Istio's `HTTPRewrite`: path and authority that the upstream sees. */
@final
export class Rewrite {
  private readonly uri: Text | null;
  private readonly authority: Text | null;
  private readonly regex: RegexReplacement | null;
  private readonly pathName: Text = new Text(":path");
  private readonly authorityName: Text = new Text(":authority");
  private readonly originalPathName: Text = new Text("x-envoy-original-path");
  private readonly originalHostName: Text = new Text("x-envoy-original-host");

  constructor(config: ConfigReader) {
    this.uri = optionalHeaderValue(config, "uri");
    this.authority = optionalHeaderValue(config, "authority");
    const regex = config.object("uriRegexRewrite");
    this.regex = regex.isPresent ? readReplacement(regex) : null;
    if (this.uri !== null && this.regex !== null) config.error("only one of uri and uriRegexRewrite can be given");
  }

  /** @param matched the alternative by which the route was taken: its prefix is what `uri` replaces */
  apply(facts: RequestFacts, matched: RequestMatch): void {
    const headers = facts.headers;
    const original = facts.fullPathView;
    const path = this.newPath(facts, matched);
    if (path !== null) {
      headers.setBytesOf(this.originalPathName, original);
      headers.setBytesOf(this.pathName, path);
    }
    const authority = this.authority;
    if (authority !== null) {
      headers.setBytesOf(this.originalHostName, headers.getBytesOf(this.authorityName)!);
      headers.setOf(this.authorityName, authority);
    }
  }

  private newPath(facts: RequestFacts, matched: RequestMatch): ByteView | null {
    const uri = this.uri;
    if (uri !== null) return uri.view.concat(matched.pathBehindPrefix(facts));
    const regex = this.regex;
    if (regex === null) return null;
    const replaced = regex.replaceAll(facts.path);
    return (replaced === null ? facts.path : replaced).concat(facts.fullPathView.slice(facts.path.length));
  }
}

function readReplacement(config: ConfigReader): RegexReplacement {
  const match = config.required("match");
  const rewrite = config.required("rewrite");
  const replacement = new RegexReplacement(match.asString(), rewrite.asString());
  if (replacement.error !== null) match.error(replacement.error!);
  else if (replacement.substitutionError !== null) rewrite.error(replacement.substitutionError!);
  return replacement;
}
