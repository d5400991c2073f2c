/** Istio's standard labels with the values they have in a plain proxy, in order. */
export const standardLabels = {
  reporter: "source",
  source_workload: "unknown",
  source_canonical_service: "unknown",
  source_canonical_revision: "latest",
  source_workload_namespace: "unknown",
  source_principal: "unknown",
  source_app: "unknown",
  source_version: "unknown",
  source_cluster: "unknown",
  destination_workload: "unknown",
  destination_workload_namespace: "unknown",
  destination_principal: "unknown",
  destination_app: "unknown",
  destination_version: "unknown",
  destination_service: "shop.example",
  destination_canonical_service: "unknown",
  destination_canonical_revision: "latest",
  destination_service_name: "shop.example",
  destination_service_namespace: "unknown",
  destination_cluster: "unknown",
  request_protocol: "http",
  response_code: "200",
  grpc_response_status: "",
  response_flags: "-",
  connection_security_policy: "unknown",
};

/** How a metric with these labels is named, as Istio's `stats_tags` take it apart. */
export function series(name: string, labels: Record<string, string>): string {
  const encoded = Object.entries(labels).map(([label, value]) => `${label}=.=${value};.;`);
  return encoded.join("") + name;
}
