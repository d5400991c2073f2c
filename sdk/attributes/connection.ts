import { getPropertyAt } from "./property";
import { attributeBool, attributeInteger, attributeText } from "./value";

/**
 * The client, by the names of Envoy's `source.*`. Exists in every callback of a stream.
 *
 * Each read is one host call (about 0.55 µs). Text that is absent is `null`, a number -1.
 *
 * Source: https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 */
export class source {
  /**
   * Address and port, such as `10.0.0.1:5000`. After `x-forwarded-for`, if the listener trusts it; then the port is
   * 0.
   */
  static get address(): string | null {
    return attributeText(getPropertyAt("source\0address"));
  }

  /** Port; -1 for a Unix socket. */
  static get port(): i32 {
    return <i32>attributeInteger(getPropertyAt("source\0port"));
  }
}

/**
 * The address that the client connected to, by the names of Envoy's `destination.*`. Exists in every callback of a
 * stream.
 *
 * Each read is one host call (about 0.55 µs). Text that is absent is `null`, a number -1.
 *
 * Source: https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 */
export class destination {
  /** Address and port, such as `10.0.0.2:80`. */
  static get address(): string | null {
    return attributeText(getPropertyAt("destination\0address"));
  }

  /** Port; -1 for a Unix socket. */
  static get port(): i32 {
    return <i32>attributeInteger(getPropertyAt("destination\0port"));
  }
}

/**
 * The connection from the client, by the names of Envoy's `connection.*`. Exists in every callback of a stream; what is
 * about TLS only with TLS.
 *
 * Each read is one host call (about 0.55 µs). Text that is absent is `null`, a number -1.
 *
 * Source: https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 */
export class connection {
  /** Number of the connection, unique in this proxy process. */
  static get id(): i64 {
    return attributeInteger(getPropertyAt("connection\0id"));
  }

  /** Whether the client showed a certificate and the proxy accepted it; `false` without TLS. */
  static get mtls(): bool {
    return attributeBool(getPropertyAt("connection\0mtls"));
  }

  /**
   * Server name that the client asked for (SNI); empty when it asked for none, or the listener has no `tls_inspector`.
   */
  static get requestedServerName(): string | null {
    return attributeText(getPropertyAt("connection\0requested_server_name"));
  }

  /** TLS version of the connection, such as `TLSv1.3`. */
  static get tlsVersion(): string | null {
    return attributeText(getPropertyAt("connection\0tls_version"));
  }

  /** Subject of the proxy's own certificate. */
  static get subjectLocalCertificate(): string | null {
    return attributeText(getPropertyAt("connection\0subject_local_certificate"));
  }

  /** Subject of the other side's certificate. */
  static get subjectPeerCertificate(): string | null {
    return attributeText(getPropertyAt("connection\0subject_peer_certificate"));
  }

  /** First DNS name among the alternative names of the proxy's own certificate. */
  static get dnsSanLocalCertificate(): string | null {
    return attributeText(getPropertyAt("connection\0dns_san_local_certificate"));
  }

  /** First DNS name among the alternative names of the other side's certificate. */
  static get dnsSanPeerCertificate(): string | null {
    return attributeText(getPropertyAt("connection\0dns_san_peer_certificate"));
  }

  /** First URI among the alternative names of the proxy's own certificate: its SPIFFE id in Istio. */
  static get uriSanLocalCertificate(): string | null {
    return attributeText(getPropertyAt("connection\0uri_san_local_certificate"));
  }

  /** First URI among the alternative names of the other side's certificate: its SPIFFE id in Istio. */
  static get uriSanPeerCertificate(): string | null {
    return attributeText(getPropertyAt("connection\0uri_san_peer_certificate"));
  }

  /** SHA-256 of the other side's certificate, in hex. */
  static get sha256PeerCertificateDigest(): string | null {
    return attributeText(getPropertyAt("connection\0sha256_peer_certificate_digest"));
  }

  /** The client's certificate, as PEM. */
  static get peerCertificate(): string | null {
    return attributeText(getPropertyAt("connection\0peer_certificate"));
  }

  /** Why the proxy itself ended the connection; absent when it did not. */
  static get terminationDetails(): string | null {
    return attributeText(getPropertyAt("connection\0termination_details"));
  }

  /** Why TLS with the client failed; absent or empty when it did not. */
  static get transportFailureReason(): string | null {
    return attributeText(getPropertyAt("connection\0transport_failure_reason"));
  }
}
