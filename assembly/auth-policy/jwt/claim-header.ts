import { ConfigReader, isHeaderValue, JsonKind, JsonNode, NumberStatus, Text } from "@attache/sdk";
import { Claims } from "../claims";
import { isSettable } from "../external/header-changes";
import { lowerCase } from "../lower-case";

/** A header that hands a claim to the upstream. */
@final
export class ClaimHeader {
  readonly name: Text;
  private readonly path: string[];

  constructor(name: string, claim: string) {
    this.name = new Text(lowerCase(name));
    this.path = claim.split(".");
  }

  /** The claim, if it is text that can stand in a header, a number or a truth. */
  valueOf(claims: Claims): Text | null {
    let claim = claims.document.root;
    for (let index = 0; index < this.path.length; index++) claim = claim.member(this.path[index]);
    const value = textOf(claim);
    return value === null || !isHeaderValue(value) ? null : new Text(value);
  }
}

export function readClaimHeaders(config: ConfigReader): ClaimHeader[] {
  const headers: ClaimHeader[] = [];
  for (let index = 0; index < config.length; index++) {
    const entry = config.at(index).asObject();
    const name = entry.string("header", "");
    const claim = entry.string("claim", "");
    if (name.length == 0) entry.error("outputClaimToHeaders header must be non-empty string");
    else checkOutputName(entry.get("header"), name);
    if (claim.length == 0) entry.error("outputClaimToHeaders claim must be non-empty string");
    headers.push(new ClaimHeader(name, claim));
  }
  return headers;
}

/** Adds a problem unless `name` is one that Istio takes for a header made of claims. */
export function checkOutputName(config: ConfigReader, name: string): void {
  for (let index = 0; index < name.length; index++) {
    const unit = <u32>name.charCodeAt(index);
    if ((unit | 0x20) - 0x61 < 26 || unit - 0x30 < 10 || unit == 0x2d || unit == 0x5f) continue;
    config.error("must have letters, digits, - and _ only");
    return;
  }
  if (name.length > 0 && !isSettable(name)) config.error("is a header that a filter must not change");
}

function textOf(claim: JsonNode): string | null {
  if (claim.kind == JsonKind.String || claim.kind == JsonKind.Bool) return claim.text;
  if (claim.kind != JsonKind.Number) return null;
  const integer = claim.i64;
  return claim.numberStatus == NumberStatus.Ok ? integer.toString() : claim.text;
}
