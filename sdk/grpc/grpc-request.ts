import { copyTraceHeaders } from "../callout/trace-headers";
import { HeaderList, isHeaderName, isHeaderValue, isSameName } from "../http/header-list";
import { RequestHeaders } from "../http/headers";
import { ProtobufWriter } from "../protobuf";

const LONGEST_TIMEOUT_MS: u32 = 0x7fffffff;

/**
 * What is called: a method of a gRPC service in a cluster of the proxy, with initial metadata.
 *
 * ```ts
 * new GrpcRequest("authz", "envoy.service.auth.v3.Authorization", "Check").timeout(200)
 * ```
 *
 * It can be used for many calls: one without metadata of the request at hand is made once, in `configure`.
 */
export class GrpcRequest {
  /** @internal */
  readonly headers: HeaderList = new HeaderList();
  /** @internal */
  timeoutMs: u32 = 1000;
  /** @internal */
  isValid: bool = true;
  private authorityText: string = "";
  private targetBytes: ProtobufWriter | null = null;

  /**
   * @param cluster name of the cluster in the proxy's configuration, which must speak HTTP/2; in Istio see `istioCluster`
   * @param service with its package
   */
  constructor(
    readonly cluster: string,
    readonly service: string,
    readonly method: string,
  ) {
    if (cluster.length == 0 || service.length == 0 || method.length == 0) this.isValid = false;
  }

  /**
   * Adds initial metadata. The value of a name that ends in `-bin` is given as text too: the proxy encodes its UTF-8 in
   * base64.
   *
   * The request is refused (`CalloutRefusal.InvalidRequest`) when the name is no token of HTTP or one of gRPC's own (`te`,
   * `content-type`, `grpc-timeout`), or the value holds a control character.
   */
  metadata(name: string, value: string): GrpcRequest {
    const isOwn = isSameName(name, "te") || isSameName(name, "content-type") || isSameName(name, "grpc-timeout");
    const isValid = isHeaderName(name) && isHeaderValue(value);
    if (isOwn || !isValid || !this.headers.add(name, value)) this.isValid = false;
    return this;
  }

  /** Host, and port if it is not the scheme's own; the cluster's name when not set. */
  authority(authority: string): GrpcRequest {
    this.authorityText = authority;
    this.targetBytes = null;
    return this;
  }

  /** How long a unary call may take, in milliseconds, at least 1; 1000 when not set. Streams have no limit. */
  timeout(milliseconds: u32): GrpcRequest {
    this.timeoutMs = min(max(milliseconds, 1), LONGEST_TIMEOUT_MS);
    return this;
  }

  /** Carries the request's trace on, as `CalloutRequest.trace` does. Cost: one host call. */
  trace(headers: RequestHeaders): GrpcRequest {
    copyTraceHeaders(headers, this.headers);
    return this;
  }

  /**
   * @internal The target as the proxy takes it: an `envoy.config.core.v3.GrpcService`. It would take the cluster's name too,
   * but first reads it as such a message, and a name that happens to be one, `auth-grpc` for instance, ends Envoy.
   */
  get target(): ProtobufWriter {
    let target = this.targetBytes;
    if (target === null) {
      const envoyGrpc = new ProtobufWriter().text(1, this.cluster);
      if (this.authorityText.length > 0) envoyGrpc.text(2, this.authorityText);
      target = new ProtobufWriter().message(1, envoyGrpc);
      this.targetBytes = target;
    }
    return target;
  }
}
