import { JsonKind, Text } from "@attache/sdk";
import { Claims } from "./claims";
import { ExactMatch, stringRule, TextMatch } from "./text-match";

/**
 * A request principal of a rule: `<issuer>/<subject>`, divided at the last slash. Both are compared on their own, as
 * Istio does: with `*` in front the subject is exact and the issuer a suffix, with `*` at the end the issuer is exact and
 * the subject a prefix.
 */
@final
export class PrincipalMatch {
  private issuer: TextMatch;
  private subject: TextMatch;

  /** @param takesLineFeeds whether texts with line feeds are present */
  constructor(rule: string, takesLineFeeds: bool) {
    this.issuer = stringRule("*", "", takesLineFeeds);
    this.subject = stringRule("*", "", takesLineFeeds);
    const slash = rule.lastIndexOf("/");
    const issuer = slash < 0 ? "" : rule.substring(0, slash);
    const subject = rule.substring(slash + 1);
    if (rule == "*") {
      // Both have to be there.
    } else if (rule.startsWith("*")) {
      if (issuer.length > 0) this.issuer = stringRule(issuer, "", takesLineFeeds);
      this.subject = slash < 0 ? stringRule(rule) : exactly(subject);
    } else if (rule.endsWith("*")) {
      this.issuer = slash < 0 ? stringRule(rule) : exactly(issuer);
      if (slash >= 0) this.subject = stringRule(subject, "", takesLineFeeds);
    } else {
      this.issuer = exactly(slash < 0 ? rule : issuer);
      this.subject = exactly(slash < 0 ? "" : subject);
    }
  }

  matches(claims: Claims): bool {
    const issuer = claims.text("iss");
    const subject = claims.text("sub");
    return (
      issuer.kind == JsonKind.String &&
      subject.kind == JsonKind.String &&
      this.issuer.matches(issuer.start, issuer.length) &&
      this.subject.matches(subject.start, subject.length)
    );
  }
}

function exactly(text: string): TextMatch {
  return new ExactMatch(new Text(text));
}
