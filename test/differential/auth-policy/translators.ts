import { findIstio } from "../../e2e/istio/program.ts";
import { translateAuthz } from "../../e2e/istio/translate.ts";
import type { Translator } from "./comparison.ts";
import { resourceOf, type Table } from "./policy.ts";
import { translate } from "./translation.ts";

/** Who translates, until it is disposed of. */
export interface NamedTranslator extends AsyncDisposable {
  name: string;
  translate: Translator;
}

/** Istio's own code, where it was built. */
export async function istioTranslator(): Promise<NamedTranslator | null> {
  const istio = await findIstio();
  if (istio === null) return null;
  const conversation = translateAuthz(istio);
  return {
    name: "Istio's own translation",
    translate: async (table) =>
      (await conversation.ask({ resources: resourcesOf(table), proxy: { type: "sidecar" } })).filters,
    [Symbol.asyncDispose]: async () => await conversation[Symbol.asyncDispose](),
  };
}

/** The one of this folder. */
export const ownTranslator: NamedTranslator = {
  name: "a translation after Istio's",
  translate: async (table) => translate(table),
  [Symbol.asyncDispose]: async () => {},
};

function resourcesOf({ policies, jwtRules }: Table): string {
  const resource = (kind: string, name: string, spec: unknown) =>
    JSON.stringify({ apiVersion: "security.istio.io/v1", kind, metadata: { name }, spec });
  return [
    ...policies.map((policy) => JSON.stringify(resourceOf(policy))),
    ...(jwtRules.length > 0 ? [resource("RequestAuthentication", "tokens", { jwtRules })] : []),
  ].join("\n---\n");
}
