import {
  Algorithm,
  algorithmNamed,
  ByteView,
  decodeBase64Url,
  JsonDocument,
  JsonKind,
  JsonNode,
  NumberStatus,
} from "@attache/sdk";
import { ByteBuffer } from "../byte-buffer";
import { Claims } from "../claims";
import { JwtStatus } from "./jwt-status";

/** Bytes of the longest token that is looked at. */
export const LONGEST_TOKEN: i32 = 8192;

/** No time: a token that does not expire, or is valid from the beginning. */
export const NO_TIME: i64 = -1;

/** A JSON Web Token in three parts (RFC 7519, RFC 7515), taken apart but not verified. One object reads many tokens. */
@final
export class Token {
  algorithm: Algorithm = Algorithm.Unknown;
  /** In seconds since the epoch, or {@link NO_TIME}. */
  expires: i64 = NO_TIME;
  notBefore: i64 = NO_TIME;
  private readonly header: JsonDocument = new JsonDocument();
  private readonly decodedHeader: ByteBuffer = new ByteBuffer();
  private readonly decodedPayload: ByteBuffer = new ByteBuffer();
  private readonly decodedSignature: ByteBuffer = new ByteBuffer();
  private time: i64 = NO_TIME;
  private isTimeOutOfRange: bool = false;
  private signatureStart: usize = 0;
  private signatureSize: i32 = 0;
  private messageStart: usize = 0;
  private messageSize: i32 = 0;
  private payloadStart: usize = 0;
  private payloadSize: i32 = 0;

  /** Takes `text` apart, its payload into `claims`. Anything but `Ok` leaves the token unusable. */
  read(text: ByteView, claims: Claims): JwtStatus {
    const firstDot = text.indexOf(0x2e);
    const secondDot = firstDot < 0 ? -1 : text.indexOf(0x2e, firstDot + 1);
    if (secondDot < 0 || text.indexOf(0x2e, secondDot + 1) >= 0 || text.length > LONGEST_TOKEN) {
      return JwtStatus.BadFormat;
    }
    if (firstDot == 0 || secondDot == firstDot + 1 || secondDot == text.length - 1) return JwtStatus.BadFormat;
    const headerStatus = this.readHeader(text.slice(0, firstDot));
    if (headerStatus != JwtStatus.Ok) return headerStatus;
    const payloadStatus = this.readPayload(text.slice(firstDot + 1, secondDot), claims);
    if (payloadStatus != JwtStatus.Ok) return payloadStatus;
    const signature = text.slice(secondDot + 1);
    this.signatureStart = this.decodedSignature.reserve(signature.length);
    this.signatureSize = decodeBase64Url(signature.start, signature.length, this.signatureStart);
    if (this.signatureSize <= 0) return JwtStatus.SignatureNotBase64;
    this.messageStart = text.start;
    this.messageSize = secondDot;
    return JwtStatus.Ok;
  }

  /** The `kid`; absent when there is none. */
  get keyId(): JsonNode {
    return this.header.root.member("kid");
  }

  /** What was signed. */
  get message(): ByteView {
    return ByteView.of(this.messageStart, this.messageSize);
  }

  get signature(): ByteView {
    return ByteView.of(this.signatureStart, this.signatureSize);
  }

  /** The JSON of the claims. */
  get payload(): ByteView {
    return ByteView.of(this.payloadStart, this.payloadSize);
  }

  private readHeader(text: ByteView): JwtStatus {
    const start = this.decodedHeader.reserve(text.length);
    const size = decodeBase64Url(text.start, text.length, start);
    if (size < 0) return JwtStatus.HeaderNotBase64;
    if (!this.header.parse(start, size) || this.header.root.kind != JsonKind.Object) return JwtStatus.HeaderNotJson;
    const root = this.header.root;
    const algorithm = root.member("alg");
    if (algorithm.kind != JsonKind.String) return JwtStatus.AlgorithmMissing;
    this.algorithm = algorithmNamed(algorithm.start, algorithm.length);
    if (this.algorithm == Algorithm.Unknown) return JwtStatus.AlgorithmUnknown;
    if (!isTextOrAbsent(root.member("kid"))) return JwtStatus.KeyIdNotText;
    // RFC 7515 §4.1.11: who does not understand what is critical must refuse the token.
    return root.member("crit").isAbsent ? JwtStatus.Ok : JwtStatus.CriticalHeader;
  }

  private readPayload(text: ByteView, claims: Claims): JwtStatus {
    const start = this.decodedPayload.reserve(text.length);
    const size = decodeBase64Url(text.start, text.length, start);
    if (size < 0) return JwtStatus.PayloadNotBase64;
    this.payloadStart = start;
    this.payloadSize = size;
    const document = claims.document;
    if (!document.parse(start, size) || document.root.kind != JsonKind.Object) return JwtStatus.PayloadNotJson;
    const root = document.root;
    if (!isTextOrAbsent(root.member("iss"))) return JwtStatus.IssuerNotText;
    if (!isTextOrAbsent(root.member("sub"))) return JwtStatus.SubjectNotText;
    if (!this.readTime(root.member("iat"), false)) {
      return this.isTimeOutOfRange ? JwtStatus.IssuedAtOutOfRange : JwtStatus.IssuedAtNotNumber;
    }
    if (!this.readTime(root.member("nbf"), true)) {
      return this.isTimeOutOfRange ? JwtStatus.NotBeforeOutOfRange : JwtStatus.NotBeforeNotNumber;
    }
    this.notBefore = this.time;
    if (!this.readTime(root.member("exp"), false)) {
      return this.isTimeOutOfRange ? JwtStatus.ExpiresOutOfRange : JwtStatus.ExpiresNotNumber;
    }
    this.expires = this.time;
    if (!isTextOrAbsent(root.member("jti"))) return JwtStatus.IdNotText;
    return isTextOrTexts(root.member("aud")) ? JwtStatus.Ok : JwtStatus.AudienceNotText;
  }

  /** Leaves a time, or {@link NO_TIME} when it is absent, in `time`. Parts of a second are rounded to the safe side. */
  private readTime(node: JsonNode, roundUp: bool): bool {
    this.time = NO_TIME;
    this.isTimeOutOfRange = false;
    if (node.isAbsent) return true;
    if (node.kind != JsonKind.Number) return false;
    const value = node.f64;
    this.isTimeOutOfRange = node.numberStatus == NumberStatus.OutOfRange || value < 0 || value >= 9.2e18;
    if (this.isTimeOutOfRange) return false;
    this.time = <i64>(roundUp ? Math.ceil(value) : Math.floor(value));
    return true;
  }
}

function isTextOrAbsent(node: JsonNode): bool {
  return node.isAbsent || node.kind == JsonKind.String;
}

function isTextOrTexts(node: JsonNode): bool {
  if (node.kind != JsonKind.Array) return isTextOrAbsent(node);
  if (node.count == 0) return true;
  let element = node.first;
  for (let left = node.count; left > 0; left--) {
    if (element.kind != JsonKind.String) return false;
    element = element.next;
  }
  return true;
}
