import { ByteView } from "../memory/byte-view";
import { getPropertyAt } from "./property";
import { attributeInteger, attributeNs, attributeText } from "./value";

/**
 * The chosen upstream host, by the names of Envoy's `upstream.*`. Exists once one was chosen: from `onResponseHeaders`
 * on, if the response is that of an upstream; what is about TLS only with TLS.
 *
 * Each read is one host call (about 0.55 µs). Text that is absent is `null`, a number -1.
 *
 * Source: https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 */
export class upstream {
  /** Address and port, such as `10.0.0.3:8080`. */
  static get address(): string | null {
    return attributeText(getPropertyAt("upstream\0address"));
  }

  /** Port; -1 for a Unix socket. */
  static get port(): i32 {
    return <i32>attributeInteger(getPropertyAt("upstream\0port"));
  }

  /** The proxy's own address and port on that connection. Exists in `onResponseHeaders` and later. */
  static get localAddress(): string | null {
    return attributeText(getPropertyAt("upstream\0local_address"));
  }

  /** Where the host is: the bytes of an `envoy.config.core.v3.Locality`. */
  static get locality(): ByteView | null {
    return getPropertyAt("upstream\0locality");
  }

  /** Number of hosts of the cluster. Exists once the route was selected. */
  static get numEndpoints(): i64 {
    return attributeInteger(getPropertyAt("upstream\0num_endpoints"));
  }

  /** How often the request was sent to an upstream: 1 without retries. */
  static get requestAttemptCount(): i64 {
    return attributeInteger(getPropertyAt("upstream\0request_attempt_count"));
  }

  /** Nanoseconds until a connection of the pool was ready. Exists in `onResponseHeaders` and later. */
  static get cxPoolReadyDurationNs(): i64 {
    return attributeNs(getPropertyAt("upstream\0cx_pool_ready_duration"));
  }

  /** Why TLS with the upstream failed; absent or empty when it did not. */
  static get transportFailureReason(): string | null {
    return attributeText(getPropertyAt("upstream\0transport_failure_reason"));
  }

  /** TLS version to the upstream, such as `TLSv1.3`. */
  static get tlsVersion(): string | null {
    return attributeText(getPropertyAt("upstream\0tls_version"));
  }

  /** Subject of the proxy's own certificate. */
  static get subjectLocalCertificate(): string | null {
    return attributeText(getPropertyAt("upstream\0subject_local_certificate"));
  }

  /** Subject of the other side's certificate. */
  static get subjectPeerCertificate(): string | null {
    return attributeText(getPropertyAt("upstream\0subject_peer_certificate"));
  }

  /** First DNS name among the alternative names of the proxy's own certificate. */
  static get dnsSanLocalCertificate(): string | null {
    return attributeText(getPropertyAt("upstream\0dns_san_local_certificate"));
  }

  /** First DNS name among the alternative names of the other side's certificate. */
  static get dnsSanPeerCertificate(): string | null {
    return attributeText(getPropertyAt("upstream\0dns_san_peer_certificate"));
  }

  /** First URI among the alternative names of the proxy's own certificate: its SPIFFE id in Istio. */
  static get uriSanLocalCertificate(): string | null {
    return attributeText(getPropertyAt("upstream\0uri_san_local_certificate"));
  }

  /** First URI among the alternative names of the other side's certificate: its SPIFFE id in Istio. */
  static get uriSanPeerCertificate(): string | null {
    return attributeText(getPropertyAt("upstream\0uri_san_peer_certificate"));
  }

  /** SHA-256 of the other side's certificate, in hex. */
  static get sha256PeerCertificateDigest(): string | null {
    return attributeText(getPropertyAt("upstream\0sha256_peer_certificate_digest"));
  }
}
