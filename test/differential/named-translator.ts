import { findIstio, type Istio } from "../e2e/istio/program.ts";

/** Who translates what a filter is configured with to Envoy's own means, until it is disposed of. */
export interface NamedTranslator<Translate> extends AsyncDisposable {
  name: string;
  translate: Translate;
}

/** Istio's own code, where it was built. */
export async function byIstio<Conversation extends AsyncDisposable, Translate>(
  begin: (istio: Istio) => Conversation,
  asking: (conversation: Conversation) => Translate,
): Promise<NamedTranslator<Translate> | null> {
  const istio = await findIstio();
  if (istio === null) return null;
  const conversation = begin(istio);
  return {
    name: "Istio's own translation",
    translate: asking(conversation),
    [Symbol.asyncDispose]: async () => await conversation[Symbol.asyncDispose](),
  };
}

/** A small translation that stands in for Istio's. */
export function byOwn<Translate>(translate: Translate): NamedTranslator<Translate> {
  return { name: "a translation after Istio's", translate, [Symbol.asyncDispose]: async () => {} };
}
