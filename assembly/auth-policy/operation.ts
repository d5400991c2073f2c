import { ConfigReader } from "@attache/sdk";
import { PolicyContext } from "./policy-context";
import { readPair } from "./source";
import { Term } from "./term";
import { ValueKind } from "./values";

/** Istio's `Operation`: what the request asks for. */
export function readOperation(config: ConfigReader, context: PolicyContext): StaticArray<Term> {
  const attributes = context.attributes;
  readPair(config, "hosts", "notHosts", ValueKind.Host, attributes.host, context);
  readPair(config, "ports", "notPorts", ValueKind.Port, attributes.port, context);
  readPair(config, "methods", "notMethods", ValueKind.Plain, attributes.method, context);
  readPair(config, "paths", "notPaths", ValueKind.Path, attributes.path, context);
  if (context.allows && config.has("notPaths")) {
    config.get("notPaths").warn("lets every other path pass: prefer ALLOW with paths, or DENY with notPaths");
  }
  return context.terms.take();
}
