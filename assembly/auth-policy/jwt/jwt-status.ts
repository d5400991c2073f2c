/** What verifying a token says. The texts are those of Envoy's `jwt_authn`, which alerts and clients know. */
export enum JwtStatus {
  Ok,
  BadFormat,
  HeaderNotBase64,
  HeaderNotJson,
  AlgorithmMissing,
  AlgorithmUnknown,
  KeyIdNotText,
  CriticalHeader,
  PayloadNotBase64,
  PayloadNotJson,
  IssuerNotText,
  SubjectNotText,
  IdNotText,
  IssuedAtNotNumber,
  IssuedAtOutOfRange,
  NotBeforeNotNumber,
  NotBeforeOutOfRange,
  ExpiresNotNumber,
  ExpiresOutOfRange,
  AudienceNotText,
  SignatureNotBase64,
  UnknownIssuer,
  Expired,
  NotYetValid,
  LifetimeNotAllowed,
  AudienceNotAllowed,
  NoKey,
  BadSignature,
  TooMany,
  KeysNotFetched,
  /** Not known yet: the request has to wait for the keys. */
  KeysAwaited,
}

export function jwtStatusText(status: JwtStatus): string {
  switch (status) {
    case JwtStatus.BadFormat:
      return "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";
    case JwtStatus.HeaderNotBase64:
      return "Jwt header is an invalid Base64url encoded";
    case JwtStatus.HeaderNotJson:
      return "Jwt header is an invalid JSON";
    case JwtStatus.AlgorithmMissing:
      return "Jwt header [alg] field is required and must be a string";
    case JwtStatus.AlgorithmUnknown:
      return "Jwt header [alg] is not supported";
    case JwtStatus.KeyIdNotText:
      return "Jwt header [kid] field is not a string";
    case JwtStatus.CriticalHeader:
      return "Jwt header [crit] is not supported";
    case JwtStatus.PayloadNotBase64:
      return "Jwt payload is an invalid Base64url encoded";
    case JwtStatus.PayloadNotJson:
      return "Jwt payload is an invalid JSON";
    case JwtStatus.IssuerNotText:
      return "Jwt payload [iss] field is not a string";
    case JwtStatus.SubjectNotText:
      return "Jwt payload [sub] field is not a string";
    case JwtStatus.IdNotText:
      return "Jwt payload [jti] field is not a string";
    case JwtStatus.IssuedAtNotNumber:
      return "Jwt payload [iat] field is not an integer";
    case JwtStatus.IssuedAtOutOfRange:
      return "Jwt payload [iat] field is not a positive 64 bit integer";
    case JwtStatus.NotBeforeNotNumber:
      return "Jwt payload [nbf] field is not an integer";
    case JwtStatus.NotBeforeOutOfRange:
      return "Jwt payload [nbf] field is not a positive 64 bit integer";
    case JwtStatus.ExpiresNotNumber:
      return "Jwt payload [exp] field is not an integer";
    case JwtStatus.ExpiresOutOfRange:
      return "Jwt payload [exp] field is not a positive 64 bit integer";
    case JwtStatus.AudienceNotText:
      return "Jwt payload [aud] field is not a string or string list";
    case JwtStatus.SignatureNotBase64:
      return "Jwt signature is an invalid Base64url encoded";
    case JwtStatus.UnknownIssuer:
      return "Jwt issuer is not configured";
    case JwtStatus.Expired:
      return "Jwt is expired";
    case JwtStatus.NotYetValid:
      return "Jwt not yet valid";
    case JwtStatus.AudienceNotAllowed:
      return "Audiences in Jwt are not allowed";
    case JwtStatus.NoKey:
      return "Jwks doesn't have key to match kid or alg from Jwt";
    case JwtStatus.LifetimeNotAllowed:
    case JwtStatus.BadSignature:
      return "Jwt verification fails";
    case JwtStatus.TooMany:
      return "Found multiple Jwt tokens";
    case JwtStatus.KeysNotFetched:
      return "Jwks remote fetch is failed";
    default:
      return "OK";
  }
}
