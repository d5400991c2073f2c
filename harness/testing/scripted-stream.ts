import type { HeaderList } from "../host.ts";
import { HeaderMap } from "../http/header-map.ts";
import type { HttpStream, ResponseSink } from "../http/stream.ts";
import type { Emulator } from "../emulator/emulator.ts";

/** A stream driven step by step by a test, with everything that came back so far. */
export class ScriptedStream implements ResponseSink {
  /** What the proxy did, in order: `headers 200`, `data hello`, `end`, `trailers`, `reset …`, `pause`, `resume`. */
  readonly events: string[] = [];
  readonly stream: HttpStream;
  responseHeaders: HeaderList = [];

  constructor(emulator: Emulator) {
    this.stream = emulator.openStream(this);
  }

  sendHeaders(pairs: Record<string, string> = {}, endStream = true): this {
    const all = { ":authority": "localhost", ":path": "/", ":method": "GET", ...pairs };
    this.stream.headers(HeaderMap.from("requestHeaders", all), endStream);
    return this;
  }

  sendData(text: string, endStream = false): this {
    this.stream.data(Buffer.from(text), endStream);
    return this;
  }

  sendTrailers(pairs: Record<string, string>): this {
    this.stream.trailers(HeaderMap.from("requestTrailers", pairs));
    return this;
  }

  headers(headers: HeaderMap, endStream: boolean): void {
    this.responseHeaders = headers.list();
    this.events.push(`headers ${headers.get(":status")}`);
    if (endStream) this.events.push("end");
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    if (bytes.length > 0) this.events.push(`data ${Buffer.from(bytes).toString()}`);
    if (endStream) this.events.push("end");
  }

  trailers(trailers: HeaderMap): void {
    this.events.push(`trailers ${trailers.entries.join(" ")}`, "end");
  }

  reset(reason: string): void {
    this.events.push(`reset ${reason}`);
  }

  pauseRequest(isPaused: boolean): void {
    this.events.push(isPaused ? "pause" : "resume");
  }
}
