import { fieldsIn, isFields, listIn, specOf, textIn, type Fields } from "./fields.ts";

/** The configuration of auth-policy, as far as explaining looks into it. */
export interface Configuration extends Fields {
  requestAuthentication: unknown[];
  authorizationPolicies: unknown[];
  extensionProviders: unknown[];
}

export type Action = "ALLOW" | "DENY" | "AUDIT" | "CUSTOM";

/** An AuthorizationPolicy, wherever it came from. */
export interface Policy {
  name: string;
  namespace: string;
  action: Action;
  isDryRun: boolean;
  /** The external service that a `CUSTOM` policy has asked. */
  provider: string | null;
  rules: Fields[];
  /** As it is in the configuration. */
  resource: unknown;
}

/** The policies of a configuration that the filter took, in its order. */
export function policiesOf({ authorizationPolicies }: Configuration): Policy[] {
  return authorizationPolicies.map((resource, index) => {
    const metadata = isFields(resource) && isFields(resource["metadata"]) ? resource["metadata"] : resource;
    const spec = specOf(resource);
    const action = (textIn(spec, "action") || "ALLOW") as Action;
    return {
      name: textIn(metadata, "name") || String(index),
      namespace: textIn(metadata, "namespace"),
      action,
      isDryRun: /^(1|t|T|TRUE|true|True)$/.test(String(fieldsIn(metadata, "annotations")["istio.io/dry-run"])),
      provider: action === "CUSTOM" ? textIn(fieldsIn(spec, "provider"), "name") : null,
      rules: listIn(spec, "rules").filter(isFields),
      resource,
    };
  });
}

/** Istio's name of a rule, which the filter tells. */
export function ruleId({ namespace, name }: Policy, index: number): string {
  return `ns[${namespace}]-policy[${name}]-rule[${index}]`;
}

/** The rules for tokens, of all resources. */
export function jwtRulesOf({ requestAuthentication }: Configuration): Fields[] {
  return requestAuthentication.flatMap((resource) => listIn(specOf(resource), "jwtRules").filter(isFields));
}
