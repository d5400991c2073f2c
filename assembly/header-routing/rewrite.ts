import { ByteView, ConfigReader, RegexReplacement, Text } from "@attache/sdk";
import { RequestFacts, RequestMatch } from "@attache/istio";
import { AuthorityRewrite, authorityRewrite } from "./authority-rewrite";
import { optionalHeaderValue } from "./header-text";

/** Istio's `HTTPRewrite`: path and authority that the upstream is to see. */
@final
export class Rewrite {
  /** `null` when it stays as it is. */
  readonly authority: AuthorityRewrite | null;
  private readonly uri: Text | null;
  private readonly regex: RegexReplacement | null;
  private readonly pathName: Text = new Text(":path");
  private readonly originalPathName: Text = new Text("x-envoy-original-path");

  constructor(config: ConfigReader) {
    this.uri = optionalHeaderValue(config, "uri");
    this.authority = authorityRewrite(optionalHeaderValue(config, "authority"));
    const regex = config.object("uriRegexRewrite");
    this.regex = regex.isPresent ? readReplacement(regex) : null;
    if (this.uri !== null && this.regex !== null) config.error("only one of uri and uriRegexRewrite can be given");
  }

  /**
   * Rewrites the path.
   *
   * @param matched the alternative by which the route was taken: its prefix is what `uri` replaces
   */
  apply(facts: RequestFacts, matched: RequestMatch): void {
    const headers = facts.headers;
    const original = facts.fullPathView;
    const path = this.newPath(facts, matched);
    if (path !== null) {
      headers.setBytesOf(this.originalPathName, original);
      headers.setBytesOf(this.pathName, path);
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
