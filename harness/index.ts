export type { ForeignFunction } from "./abi/foreign.ts";
export { startEmulator, Emulator, type EmulatorOptions, type StreamOptions } from "./emulator/emulator.ts";
export { HarnessError, PluginRejectedError, type HarnessErrorCode } from "./errors.ts";
export * from "./host.ts";
export {
  mockCluster,
  type InterceptedRequest,
  type InterceptingCluster,
  type Interceptor,
  type ReplyOptions,
} from "./interceptors.ts";
export { logLevels, type LogLevel } from "./log.ts";
export { loadModule, type WasmModule } from "./wasm/module.ts";
export { serveTcp, type ServedConnection, type ServeTcpOptions } from "./serve/serve-tcp.ts";
export { serve, type Exchange, type ProxyServer, type ServeOptions } from "./serve/serve.ts";
export { HeaderMap } from "./http/header-map.ts";
export type { HttpStream, ResponseSink } from "./http/stream.ts";
export type { ConnectionInfo, DynamicMetadata, PeerCertificate, TlsInfo } from "./http/stream-info.ts";
export type { Trap, TrapFrame } from "./wasm/trap.ts";
export type { SourcePosition } from "./wasm/source-map.ts";
export type { CallbackProfile } from "./emulator/profile.ts";
export { envoyVersions, type EnvoyVersion } from "./emulator/envoy-version.ts";
export type { Diagnostic, DiagnosticCode } from "./emulator/diagnostics.ts";
