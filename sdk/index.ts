/** `@attache/sdk`: everything a filter imports. */
import "./abort"; // First: whatever any other file runs at its top level may need it.
export {
  attributeBool,
  attributeInteger,
  attributeNumber,
  attributeText,
  connection,
  destination,
  filterMetadata,
  getProperty,
  getPropertyAt,
  pluginIdentity,
  request,
  response,
  setProperty,
  setPropertyBytes,
  source,
  upstream,
  xds,
} from "./attributes";
export { ConfigReader, publishConfigStatus } from "./config";
export { HeldStream } from "./context/held-stream";
export { HttpFilter } from "./context/http-filter";
export { StreamFilter } from "./context/stream-filter";
export { TcpFilter } from "./context/tcp-filter";
export { Plugin } from "./context/plugin";
export { PluginFactory, registerPlugin } from "./context/plugins";
export { envoy, Expression, ForeignFunction, LifeSpan, PropertyType, SignatureCheck } from "./foreign";
export { ProxyBuffer } from "./context/proxy-buffer";
export { Body } from "./http/body";
export { FilterData, FilterHeaders, FilterTrailers } from "./http/filter-status";
export { isHeaderName, isHeaderValue } from "./http/header-list";
export { HeaderMap } from "./http/header-map";
export { RequestHeaders, ResponseHeaders } from "./http/headers";
export { LocalReply } from "./http/local-reply";
export { continueRequest, continueResponse, resetStream } from "./http/stream-control";
export { RequestTrailers, ResponseTrailers } from "./http/trailers";
export { BodyAccess, OverLimit } from "./http/whole-body";
export { log, LogLevel } from "./log/log";
export { ByteView } from "./memory/byte-view";
export { enableUnicodeClasses, Regex, RegexReplacement, RegexSearch, RegexSet } from "./regex";
export { Text } from "./memory/text";
export { xxHash64 } from "./hash/xxhash64";
export { randomBelow, randomU64 } from "./random/random";
export { currentTimeNs } from "./time/time";
export { LabelledCounter, LabelledGauge, LabelledHistogram, LabelledMetric } from "./metrics/labelled-metric";
export { LabelSet } from "./metrics/label-set";
export { Counter, Gauge, Histogram } from "./metrics/metric";
export { Scopes } from "./scopes";
export { SharedNumber, SharedResult, SharedValue } from "./shared/shared-data";
export { SharedJson } from "./shared/shared-json";
export { QueueReader, SharedQueue } from "./shared/shared-queue";
export { SharedSlots } from "./shared/shared-slots";
export { closeConnection, continueConnection } from "./tcp/connection-control";
export { TcpData } from "./tcp/tcp-data";
export { CloseType, FilterTcp } from "./tcp/tcp-status";
export { Timer } from "./time/timer";
export {
  Callout,
  CalloutHeaders,
  CalloutJoin,
  CalloutOutcome,
  CalloutRefusal,
  CalloutRequest,
  CalloutResponse,
  HttpCallout,
  istioCluster,
  RetryPolicy,
} from "./callout";
export {
  base64Size,
  base64UrlSize,
  decodeBase64,
  decodeBase64Url,
  encodeBase64,
  encodeBase64Url,
} from "./encoding/base64";
export { decodeHex, encodeHex } from "./encoding/hex";
export { decimal } from "./json/text";
export { JsonDocument, JsonKind, JsonNode, JsonWriter, NumberStatus } from "./json";
export { Glob } from "./match/glob";
export { Found, KeyKind, TextIndex, TextVisitor } from "./match/text-index";
export { isUriTemplate, UriTemplate } from "./match/uri-template";
export { isUtf8, validUtf8Size } from "./memory/utf8-validity";
export { CidrBlock } from "./net/cidr-block";
export { CidrSet } from "./net/cidr-set";
export { IpAddress } from "./net/ip-address";
export { formatHttpDate, NO_DATE, parseHttpDate } from "./time/http-date";
export { Cookies, cookieValue } from "./url/cookies";
export { pathEnd, queryOf } from "./url/path";
export { requestCookie } from "./url/request-cookie";
export { normalizePath, PathNormalization } from "./url/path-normalization";
export { Query, queryParameter } from "./url/query";
export { Url } from "./url/url";
export {
  Algorithm,
  algorithmNamed,
  constantTimeEquals,
  ecdsaFromDer,
  ecdsaToDer,
  Hash,
  Hmac,
  importEcKey,
  importEdKey,
  importJwk,
  importRsaKey,
  importSecretKey,
  JwkResult,
  Sha1,
  Sha256,
  Sha384,
  Sha512,
  Verification,
  VerificationKey,
} from "./crypto";
export { GrpcCall, GrpcReply, GrpcRequest, GrpcStatus, GrpcStream } from "./grpc";
export { ProtobufReader, ProtobufWriter } from "./protobuf";
