import { CidrSet, IpAddress } from "@attache/sdk";
import { Attribute } from "./attribute";
import { PrincipalMatch } from "./request-principal";
import { RequestFacts } from "./request-facts";
import { TextSet } from "./text-set";

/**
 * One field of a source, an operation or a condition.
 *
 * `restricts` says what its rule is for. One that stops requests must hold whenever it may hold, one that lets them pass
 * only when it surely does: what is not known, or not the same for all forms of an attribute, never opens a door.
 */
export abstract class Term {
  /** What an index can find the term's rule by, or `null`. */
  get indexedBy(): Attribute | null {
    return null;
  }

  /** The values, when {@link indexedBy} is not `null`. */
  get indexedValues(): TextSet | null {
    return null;
  }

  abstract holds(request: RequestFacts, restricts: bool): bool;
}

/** An attribute is one of some texts, or none of them. */
@final
export class TextTerm extends Term {
  /** @param indexAttribute finds the values in an index: often `attribute` itself */
  constructor(
    private readonly attribute: Attribute,
    private readonly indexAttribute: Attribute,
    private readonly values: TextSet,
    private readonly isNegative: bool,
  ) {
    super();
  }

  override get indexedBy(): Attribute | null {
    return this.isNegative ? null : this.indexAttribute;
  }

  override get indexedValues(): TextSet | null {
    return this.values;
  }

  holds(request: RequestFacts, restricts: bool): bool {
    const attribute = this.attribute;
    const isNegative = this.isNegative;
    if (attribute.isUnknown(request)) return isNegative && restricts;
    const isFound = restricts != isNegative ? attribute.any(request, this.values) : attribute.all(request, this.values);
    return isFound != isNegative;
  }
}

/** Which address a term looks at. */
export enum AddressOf {
  Client,
  Destination,
}

/**
 * An address is in one of some blocks, or in none. One that came as `::ffff:10.0.0.1` is also `10.0.0.1`, which Envoy does
 * not see: it has two forms.
 */
@final
export class AddressTerm extends Term {
  constructor(
    private readonly whose: AddressOf,
    private readonly blocks: CidrSet,
    private readonly isNegative: bool,
  ) {
    super();
  }

  holds(request: RequestFacts, restricts: bool): bool {
    const isClient = this.whose == AddressOf.Client;
    const address: IpAddress | null = isClient ? request.remoteAddress : request.destinationAddress;
    if (address === null) return restricts;
    const isNegative = this.isNegative;
    let isFound = this.blocks.contains(address);
    if (isClient && request.isRemoteMapped) {
      const isOther = this.blocks.contains(address.toIpv6());
      isFound = restricts != isNegative ? isFound || isOther : isFound && isOther;
    }
    return isFound != isNegative;
  }
}

/** The issuer and subject of the verified token are one of some, or none of them. */
@final
export class RequestPrincipalTerm extends Term {
  constructor(
    private readonly values: PrincipalMatch[],
    private readonly isNegative: bool,
  ) {
    super();
  }

  holds(request: RequestFacts, restricts: bool): bool {
    const claims = request.claims;
    if (claims === null) return this.isNegative && (restricts || request.reading.isAuthenticating);
    const values = this.values;
    for (let index = 0; index < values.length; index++) {
      if (unchecked(values[index]).matches(claims)) return !this.isNegative;
    }
    return this.isNegative;
  }
}
