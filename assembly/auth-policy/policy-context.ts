import { Attributes } from "./attribute";
import { TermList } from "./term-list";

/** What the rules of a configuration are read with. */
export class PolicyContext {
  readonly attributes: Attributes = new Attributes();
  /** Takes the terms of what is being read. */
  readonly terms: TermList = new TermList();
  /** The namespace of the policy that is being read. */
  namespace: string = "";
  /** Whether its rules let requests pass. */
  allows: bool = true;
  /** Whether a rule looks at the path. */
  usesPath: bool = false;

  constructor(
    /** Whether the address of the direct peer may be taken for that of the client, which a client can choose. */
    readonly takesRemoteForPeer: bool,
    /** Whether there are tokens that claims can come from. */
    readonly isAuthenticating: bool,
    /** Whether values can be regular expressions. */
    readonly takesRegex: bool,
  ) {}
}
