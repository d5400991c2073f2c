import { decimal } from "../json/text";

/**
 * Name of the cluster that Istio makes for a port of a service: `outbound|443||auth.example.com`. The host is the
 * service's full name (`auth.default.svc.cluster.local`) or one of a `ServiceEntry`.
 *
 * @param subset of a `DestinationRule`
 */
export function istioCluster(host: string, port: i32, subset: string = ""): string {
  return "outbound|" + decimal(port) + "|" + subset + "|" + host;
}
