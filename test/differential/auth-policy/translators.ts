import { translateAuthz } from "../../e2e/istio/translate.ts";
import { byIstio, byOwn } from "../named-translator.ts";
import type { Translator } from "./comparison.ts";
import { resourceOf, type Table } from "./policy.ts";
import { translate } from "./translation.ts";

export const istioTranslator = async () =>
  await byIstio(
    translateAuthz,
    (conversation): Translator =>
      async (table) =>
        (await conversation.ask({ resources: resourcesOf(table), proxy: { type: "sidecar" } })).filters,
  );

export const ownTranslator = byOwn<Translator>(async (table) => translate(table));

function resourcesOf({ policies, jwtRules }: Table): string {
  const resource = (kind: string, name: string, spec: unknown) =>
    JSON.stringify({ apiVersion: "security.istio.io/v1", kind, metadata: { name }, spec });
  return [
    ...policies.map((policy) => JSON.stringify(resourceOf(policy))),
    ...(jwtRules.length > 0 ? [resource("RequestAuthentication", "tokens", { jwtRules })] : []),
    "", // Istio's reader loses a last line of 4,096 bytes, or twice as many, when it has no end.
  ].join("\n---\n");
}
