/** Istio's standard labels, in its order. */
export const enum StandardLabel {
  Reporter,
  SourceWorkload,
  SourceCanonicalService,
  SourceCanonicalRevision,
  SourceWorkloadNamespace,
  SourcePrincipal,
  SourceApp,
  SourceVersion,
  SourceCluster,
  DestinationWorkload,
  DestinationWorkloadNamespace,
  DestinationPrincipal,
  DestinationApp,
  DestinationVersion,
  DestinationService,
  DestinationCanonicalService,
  DestinationCanonicalRevision,
  DestinationServiceName,
  DestinationServiceNamespace,
  DestinationCluster,
  RequestProtocol,
  ResponseCode,
  GrpcResponseStatus,
  ResponseFlags,
  ConnectionSecurityPolicy,
  Count,
}

/** Their names, in the order of {@link StandardLabel}. */
export function standardLabelNames(): string[] {
  const names: string[] = [];
  names.push("reporter");
  addNames(
    names,
    "source_",
    "workload canonical_service canonical_revision workload_namespace principal app version cluster ",
  );
  addNames(names, "destination_", "workload workload_namespace principal app version service canonical_service ");
  addNames(names, "destination_", "canonical_revision service_name service_namespace cluster ");
  addNames(names, "", "request_protocol response_code grpc_response_status response_flags connection_security_policy ");
  return names;
}

/** @param list names, a blank after each */
function addNames(names: string[], prefix: string, list: string): void {
  let from = 0;
  for (let at = list.indexOf(" "); at >= 0; at = list.indexOf(" ", from)) {
    names.push(prefix + list.substring(from, at));
    from = at + 1;
  }
}
