import { ConfigReader } from "@attache/sdk";

/** What says where Istio applies a resource; here the filter's own resource does. */
export function ignoreScope(spec: ConfigReader): void {
  ignoreWithWarning(spec, "selector");
  ignoreWithWarning(spec, "targetRef");
  ignoreWithWarning(spec, "targetRefs");
}

function ignoreWithWarning(spec: ConfigReader, name: string): void {
  spec.ignore(name);
  if (spec.has(name)) spec.get(name).warn("is ignored: the filter's own resource says where it applies");
}
