import { Status } from "../abi/enums";
import { ByteView } from "../memory/byte-view";
import { ProtobufWriter } from "../protobuf";
import { ForeignFunction } from "./foreign-function";

/** What the proxy says of a signature. */
export const enum SignatureCheck {
  /** It is that of the data, by this key. */
  Valid = 0,
  /** It is not; or the proxy cannot read the key, or does not know the hash function. */
  Invalid = 1,
  /** The proxy verifies no signatures. */
  Unavailable = 2,
}

/** How long a property or an object lives. */
export const enum LifeSpan {
  /** As the filter chain of the listener: until its configuration is replaced. */
  FilterChain = 0,
  /** As the stream. */
  Request = 1,
  /** As the client's connection. */
  Connection = 2,
}

/** What the bytes of a declared property are. */
export const enum PropertyType {
  Bytes = 0,
  Text = 1,
  FlatBuffers = 2,
  Protobuf = 3,
}

// @ts-ignore: decorator
@lazy
const clearRouteCache = new ForeignFunction("clear_route_cache");
// @ts-ignore: decorator
@lazy
const compress = new ForeignFunction("compress");
// @ts-ignore: decorator
@lazy
const uncompress = new ForeignFunction("uncompress");
// @ts-ignore: decorator
@lazy
const declareProperty = new ForeignFunction("declare_property");
// @ts-ignore: decorator
@lazy
const setFilterState = new ForeignFunction("set_envoy_filter_state");
// @ts-ignore: decorator
@lazy
const verifySignature = new ForeignFunction("verify_signature");
/** What is verified, so that checking many signatures leaves no garbage. */
// @ts-ignore: decorator
@lazy
const verification = new ProtobufWriter();
// @ts-ignore: decorator
@lazy
const sign = new ForeignFunction("sign");

/**
 * Envoy's own foreign functions. Other proxies lack most of them: each says so in its answer, and none traps.
 *
 * Allowed in: every callback, unless said otherwise. Cost: one host call and what the proxy does in it.
 *
 * Source: https://github.com/envoyproxy/envoy/blob/main/source/extensions/common/wasm/foreign.cc
 */
export class envoy {
  /**
   * Lets the proxy choose the route anew, by the request headers as they are now. Changing a header does so by itself;
   * needed after a change that the proxy does not see, such as of dynamic metadata.
   *
   * Allowed in: callbacks of a stream, until the request goes on to the upstream. Envoy 1.33 or later.
   */
  static clearRouteCache(): bool {
    return clearRouteCache.call() !== null;
  }

  /** `bytes` as a zlib stream (RFC 1950), valid until the callback returns; `null` when the proxy cannot. */
  static compress(bytes: ByteView): ByteView | null {
    return compress.call(bytes);
  }

  /**
   * What a zlib stream (RFC 1950) holds, valid until the callback returns; `null` when the bytes are none, or the proxy
   * cannot. The proxy sets no limit on what comes out: use it for bytes you trust.
   */
  static uncompress(bytes: ByteView): ByteView | null {
    return uncompress.call(bytes);
  }

  /**
   * Declares a property of this plugin's streams, so that {@link setProperty} of `name` lives as long as `span` says,
   * and the proxy and other filters see the value as being of `type`.
   *
   * Allowed in: `configure` and timers. Envoy accepts it in a stream too, but then does nothing.
   *
   * @param isReadOnly whether it can be set only once
   * @returns `false` when the plugin declared it before, or the proxy cannot
   */
  static declareProperty(
    name: string,
    span: LifeSpan = LifeSpan.Request,
    type: PropertyType = PropertyType.Text,
    isReadOnly: bool = false,
  ): bool {
    const message = new ProtobufWriter().text(1, name).bool(2, isReadOnly).uint32(3, type).uint32(5, span);
    return declareProperty.call(message.written()) !== null;
  }

  /**
   * Sets an object of the stream's filter state that a filter or extension of the proxy reads, such as
   * `envoy.tcp_proxy.cluster`; the proxy makes it from `value`.
   *
   * Allowed in: callbacks of a stream.
   *
   * @returns `false` when the proxy knows no object of this name, does not take the value, or there is no stream
   */
  static setFilterState(name: string, value: string, span: LifeSpan = LifeSpan.Request): bool {
    const message = new ProtobufWriter().text(1, name).text(2, value).uint32(3, span);
    return setFilterState.call(message.written()) !== null;
  }

  /**
   * Verifies an RSA (PKCS #1 v1.5) or ECDSA signature (ASN.1 DER) natively. Envoy 1.35 or later; anywhere else the
   * answer is `Unavailable`, from the second time on without a host call.
   *
   * @param hash `sha1`, `sha224`, `sha256`, `sha384` or `sha512`
   * @param publicKey SubjectPublicKeyInfo (DER)
   */
  static verifySignature(hash: string, publicKey: ByteView, signature: ByteView, data: ByteView): SignatureCheck {
    if (verifySignature.status == Status.NotFound) return SignatureCheck.Unavailable;
    verification.clear();
    verification.text(1, hash).bytes(2, publicKey).bytes(3, signature).bytes(4, data);
    const answer = verifySignature.call(verification.written());
    if (answer !== null && isTrue(answer)) return SignatureCheck.Valid;
    return verifySignature.status == Status.NotFound ? SignatureCheck.Unavailable : SignatureCheck.Invalid;
  }

  /**
   * The signature of `data`, RSA (PKCS #1 v1.5) or ECDSA (ASN.1 DER) by the kind of key, valid until the callback
   * returns; `null` when the proxy cannot read the key, does not know the hash function, or signs nothing.
   *
   * @param hash `sha1`, `sha224`, `sha256`, `sha384` or `sha512`
   * @param privateKey PKCS #8 (DER)
   */
  static sign(hash: string, privateKey: ByteView, data: ByteView): ByteView | null {
    const message = new ProtobufWriter().text(1, hash).bytes(2, privateKey).bytes(3, data);
    const answer = sign.call(message.written());
    return answer === null || !isTrue(answer) ? null : bytesOf(answer);
  }
}

/** Whether a message begins with its field 1, a true bool. */
function isTrue(message: ByteView): bool {
  return message.at(0) == 0x08 && message.at(1) == 1;
}

/** Field 2 behind field 1; `null` when it is not there. */
function bytesOf(message: ByteView): ByteView | null {
  if (message.at(2) != 0x12) return null;
  let size: i32 = 0;
  let at = 3;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = <i32>message.at(at++);
    size |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return size == message.length - at ? message.slice(at) : null;
}
