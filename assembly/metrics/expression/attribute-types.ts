import { ValueType } from "./expression";

/** Type of the attribute of these segments; -1: there is none. */
export function attributeType(segments: string[]): i32 {
  const first = segments[0];
  const isMap = isListed(" metadata filter_state upstream_filter_state ", first);
  const isGroup = isListed(" request response connection source destination upstream xds ", first);
  // Anything else at the top is what filters have set on the stream by that name.
  if (segments.length == 1) return isMap || isGroup ? -1 : ValueType.Text;
  if (isMap) return ValueType.Text;
  if (!isGroup) return -1;
  const name = segments[1];
  if (segments.length > 2) {
    const isHeaders =
      (first == "request" && name == "headers") || (first == "response" && isListed(" headers trailers ", name));
    if (isHeaders) return segments.length == 3 ? ValueType.Text : -1;
    return first == "xds" && (name == "node" || name.endsWith("_metadata")) ? ValueType.Text : -1;
  }
  if (first == "connection" && name == "mtls") return ValueType.Bool;
  if (isListed(textsOf(first), name) || isCertificate(first, name)) return ValueType.Text;
  if (isListed(integersOf(first), name)) return ValueType.Integer;
  return isListed(durationsOf(first), name) ? ValueType.Duration : -1;
}

function textsOf(group: string): string {
  if (group == "request") return " path url_path host scheme method referer useragent id query protocol ";
  if (group == "response") return " code_details ";
  if (group == "connection") return " requested_server_name tls_version termination_details transport_failure_reason ";
  if (group == "upstream") return " address local_address transport_failure_reason tls_version ";
  return group == "xds" ? " cluster_name route_name virtual_host_name filter_chain_name " : " address ";
}

function integersOf(group: string): string {
  if (group == "request") return " size total_size headers_bytes ";
  if (group == "response") return " code flags grpc_status size total_size headers_bytes ";
  if (group == "connection") return " id ";
  if (group == "upstream") return " port num_endpoints request_attempt_count ";
  return group == "xds" ? " listener_direction " : " port ";
}

function durationsOf(group: string): string {
  if (group == "request") return " duration ";
  if (group == "response") return " backend_latency ";
  return group == "upstream" ? " cx_pool_ready_duration " : "";
}

function isCertificate(group: string, name: string): bool {
  const isTls = group == "connection" || group == "upstream";
  if (isTls && name == "sha256_peer_certificate_digest") return true;
  const isOf = name.endsWith("_local_certificate") || name.endsWith("_peer_certificate");
  return (
    isTls && isOf && isListed(" subject dns_san uri_san ", name.substring(0, name.lastIndexOf("_", name.length - 13)))
  );
}

function isListed(list: string, name: string): bool {
  return list.includes(" " + name + " ");
}
