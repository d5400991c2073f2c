/**
 * The callbacks the proxy looks up in a module. Every filter's entry file re-exports them:
 * `export * from "@attache/sdk/proxy"`. The build drops those that nothing in the filter overrides, so the proxy does
 * not call them.
 */
import "./abort";
import { proxy_get_buffer_bytes } from "./abi/imports";
import { BufferType, Status } from "./abi/enums";
import { ConfigReader } from "./config";
import { httpCalloutAnswered } from "./callout/http-callout";
import { Plugin } from "./context/plugin";
import {
  contextEnded,
  currentCallback,
  currentContext,
  enterCallback,
  leaveCallback,
  renameCallback,
  returnToCallback,
} from "./context/callback";
import { HttpFilter } from "./context/http-filter";
import { createPlugin, findPlugin, removePlugin } from "./context/plugins";
import { StreamFilter } from "./context/stream-filter";
import { addStream, findStream, isReset, removeStream } from "./context/streams";
import { TcpFilter } from "./context/tcp-filter";
import { grpcCallout } from "./grpc/grpc-callout";
import { FilterTrailers } from "./http/filter-status";
import { requestHeaders, responseHeaders } from "./http/headers";
import { decideTrailers, haveTrailersGone } from "./http/stream-control";
import { requestTrailers, responseTrailers } from "./http/trailers";
import { bodyArrived, trailersArrived } from "./http/whole-body";
import { log } from "./log/log";
import { takeScratch } from "./memory/arena";
import { ByteView } from "./memory/byte-view";
import { QueueReader } from "./shared/shared-queue";
import { downstreamData, upstreamData } from "./tcp/tcp-data";
import { CloseType } from "./tcp/tcp-status";
import { Timer } from "./time/timer";

// Called by the module itself: the transform takes them out of the exports.
export { unpackTexts } from "./memory/packed-texts";
export { visitMembers } from "./memory/visit-members";

const out = memory.data(8, 4);

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return takeScratch(size);
}

export function proxy_on_context_create(id: u32, parent: u32): void {
  enterCallback(id, "createFilter");
  if (parent == 0) {
    createPlugin(id);
  } else {
    const plugin = findPlugin(parent);
    if (plugin !== null) addStream(id, newFilter(plugin));
  }
  leaveCallback();
}

export function proxy_on_configure(id: u32, size: u32): i32 {
  enterCallback(id, "configure");
  const plugin = findPlugin(id);
  const accepted = plugin === null || configurePlugin(plugin, size);
  leaveCallback();
  return accepted ? 1 : 0;
}

export function proxy_on_tick(id: u32): void {
  enterCallback(id, "onTimer");
  const plugin = findPlugin(id);
  if (plugin !== null) Timer.fireDue(plugin);
  leaveCallback();
}

export function proxy_on_queue_ready(id: u32, token: u32): void {
  enterCallback(id, "onItem");
  const plugin = findPlugin(id);
  if (plugin !== null) QueueReader.drain(plugin, token);
  leaveCallback();
}

export function proxy_on_foreign_function(id: u32, functionId: u32, size: u32): void {
  enterCallback(id, "onForeignFunction");
  const plugin = findPlugin(id);
  if (plugin !== null) plugin.onForeignFunction(functionId, argumentsOf(size));
  leaveCallback();
}

export function proxy_on_http_call_response(id: u32, token: u32, headers: u32, bodySize: u32, trailers: u32): void {
  enterCallback(id, "onOutcome");
  const plugin = findPlugin(id);
  if (plugin !== null) httpCalloutAnswered(plugin, token, headers, bodySize);
  leaveCallback();
}

export function proxy_on_grpc_receive_initial_metadata(id: u32, token: u32, count: u32): void {
  const outer = currentContext;
  const outerCallback = currentCallback;
  enterCallback(id, "onInitialMetadata");
  const callout = grpcCallout(token);
  if (callout !== null) callout.calloutBegan();
  leaveCallback();
  returnToCallback(outer, outerCallback);
}

export function proxy_on_grpc_receive(id: u32, token: u32, size: u32): void {
  enterCallback(id, "onMessage");
  const callout = grpcCallout(token);
  if (callout !== null) callout.calloutReceived(size);
  leaveCallback();
}

export function proxy_on_grpc_receive_trailing_metadata(id: u32, token: u32, count: u32): void {
  const outer = currentContext;
  const outerCallback = currentCallback;
  enterCallback(id, "onTrailingMetadata");
  const callout = grpcCallout(token);
  if (callout !== null) callout.calloutEnds();
  leaveCallback();
  returnToCallback(outer, outerCallback);
}

export function proxy_on_grpc_close(id: u32, token: u32, status: u32): void {
  enterCallback(id, "onOutcome");
  const callout = grpcCallout(token);
  if (callout !== null) callout.calloutClosed(status);
  leaveCallback();
}

export function proxy_on_request_headers(id: u32, count: u32, endOfStream: u32): i32 {
  enterCallback(id, "onRequestHeaders");
  const filter = findStream<HttpFilter>(id);
  const status = filter === null ? 0 : <i32>filter.onRequestHeaders(requestHeaders, endOfStream != 0);
  leaveCallback();
  return status;
}

export function proxy_on_request_body(id: u32, size: u32, endOfStream: u32): i32 {
  enterCallback(id, "onRequestBody");
  const filter = findStream<HttpFilter>(id);
  const status = filter === null ? 0 : <i32>bodyArrived(BufferType.HttpRequestBody, filter, size, endOfStream != 0);
  leaveCallback();
  return status;
}

export function proxy_on_request_trailers(id: u32, count: u32): i32 {
  enterCallback(id, "onRequestTrailers");
  let status = FilterTrailers.Continue;
  const filter = findStream<HttpFilter>(id);
  if (filter !== null) {
    const goesOn = trailersArrived(BufferType.HttpRequestBody);
    renameCallback("onRequestTrailers");
    decideTrailers(BufferType.HttpRequestBody);
    status = filter.onRequestTrailers(requestTrailers);
    // Once more, they would be sent twice.
    if (!goesOn || haveTrailersGone()) status = FilterTrailers.StopIteration;
  }
  leaveCallback();
  return <i32>status;
}

export function proxy_on_response_headers(id: u32, count: u32, endOfStream: u32): i32 {
  enterCallback(id, "onResponseHeaders");
  const filter = findStream<HttpFilter>(id);
  const status = filter === null ? 0 : <i32>filter.onResponseHeaders(responseHeaders, endOfStream != 0);
  leaveCallback();
  return status;
}

export function proxy_on_response_body(id: u32, size: u32, endOfStream: u32): i32 {
  enterCallback(id, "onResponseBody");
  const filter = findStream<HttpFilter>(id);
  const status = filter === null ? 0 : <i32>bodyArrived(BufferType.HttpResponseBody, filter, size, endOfStream != 0);
  leaveCallback();
  return status;
}

export function proxy_on_response_trailers(id: u32, count: u32): i32 {
  enterCallback(id, "onResponseTrailers");
  let status = FilterTrailers.Continue;
  const filter = findStream<HttpFilter>(id);
  if (filter !== null) {
    const goesOn = trailersArrived(BufferType.HttpResponseBody);
    renameCallback("onResponseTrailers");
    decideTrailers(BufferType.HttpResponseBody);
    status = filter.onResponseTrailers(responseTrailers);
    // Trailers that go on once more, or after a reset, crash Envoy.
    if (!goesOn || haveTrailersGone() || isReset(id)) status = FilterTrailers.StopIteration;
  }
  leaveCallback();
  return <i32>status;
}

export function proxy_on_new_connection(id: u32): i32 {
  enterCallback(id, "onNewConnection");
  const filter = findStream<TcpFilter>(id);
  const status = filter === null ? 0 : <i32>filter.onNewConnection();
  leaveCallback();
  return status;
}

export function proxy_on_downstream_data(id: u32, size: u32, endOfStream: u32): i32 {
  enterCallback(id, "onDownstreamData");
  downstreamData.arrived(size);
  const filter = findStream<TcpFilter>(id);
  const status = filter === null ? 0 : <i32>filter.onDownstreamData(downstreamData, endOfStream != 0);
  leaveCallback();
  return status;
}

export function proxy_on_upstream_data(id: u32, size: u32, endOfStream: u32): i32 {
  enterCallback(id, "onUpstreamData");
  upstreamData.arrived(size);
  const filter = findStream<TcpFilter>(id);
  const status = filter === null ? 0 : <i32>filter.onUpstreamData(upstreamData, endOfStream != 0);
  leaveCallback();
  return status;
}

export function proxy_on_downstream_connection_close(id: u32, closedBy: u32): void {
  enterCallback(id, "onDownstreamClose");
  const filter = findStream<TcpFilter>(id);
  if (filter !== null) filter.onDownstreamClose(<CloseType>closedBy);
  leaveCallback();
}

export function proxy_on_upstream_connection_close(id: u32, closedBy: u32): void {
  enterCallback(id, "onUpstreamClose");
  const filter = findStream<TcpFilter>(id);
  if (filter !== null) filter.onUpstreamClose();
  leaveCallback();
}

export function proxy_on_log(id: u32): void {
  enterCallback(id, "onLog");
  const filter = findStream<StreamFilter>(id);
  if (filter !== null) filter.onLog();
  leaveCallback();
}

export function proxy_on_done(id: u32): i32 {
  enterCallback(id, "onDone");
  let done = true;
  const filter = findStream<StreamFilter>(id);
  if (filter !== null) {
    filter.onDone();
  } else {
    const plugin = findPlugin(id);
    if (plugin !== null) done = plugin.onDone();
  }
  leaveCallback();
  return done ? 1 : 0;
}

export function proxy_on_delete(id: u32): void {
  enterCallback(id, "onDelete");
  const filter = findStream<StreamFilter>(id);
  if (filter !== null) {
    filter.onDelete();
    removeStream(id);
  } else {
    removePlugin(id);
  }
  if (contextEnded != 0) call_indirect<void>(contextEnded, id);
  leaveCallback();
}

function newFilter(plugin: Plugin): StreamFilter {
  const tcpFilter = plugin.createTcpFilter();
  return tcpFilter === null ? plugin.createFilter() : tcpFilter;
}

function argumentsOf(size: u32): ByteView {
  const given = size != 0 && proxy_get_buffer_bytes(BufferType.CallData, 0, size, out, out + 4) == Status.Ok;
  return given ? ByteView.of(load<usize>(out), load<i32>(out, 4)) : ByteView.of(0, 0);
}

function configurePlugin(plugin: Plugin, size: u32): bool {
  let start: usize = 0;
  let length: i32 = 0;
  if (size != 0) {
    if (proxy_get_buffer_bytes(BufferType.PluginConfiguration, 0, size, out, out + 4) != Status.Ok) {
      log.critical("config rejected: the proxy did not hand it over");
      return false;
    }
    start = load<usize>(out);
    length = load<i32>(out, 4);
  }
  const config = ConfigReader.parse(start, length);
  plugin.configure(config);
  const problems = config.finish();
  const warnings = config.warnings;
  for (let index = 0; index < warnings.length; index++) log.warn("config: " + unchecked(warnings[index]));
  for (let index = 0; index < problems.length; index++) log.critical("config rejected: " + unchecked(problems[index]));
  return problems.length == 0;
}
