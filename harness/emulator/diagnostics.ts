export type DiagnosticCode =
  | "BAD_PAIRS"
  | "CALLBACK_ENDLESS"
  | "CLOSED_AND_CONTINUED"
  | "CONTINUED_TOO_EARLY"
  | "ENVOY_HANGS"
  | "LOCAL_REPLY_TWICE"
  | "LOCAL_REPLY_TOO_LATE"
  | "GRPC_SERVICE_WITHOUT_TARGET"
  | "MAP_UNAVAILABLE"
  | "CONTENT_LENGTH_MISMATCH"
  | "TRANSFER_ENCODING_WRITTEN"
  | "UNREADABLE_RESPONSE";

/** Something a guest did that Envoy tolerates without a word, and that is most likely a mistake. */
export interface Diagnostic {
  code: DiagnosticCode;
  plugin: string;
  message: string;
}

const limit = 1000;

/** The first diagnostics of a proxy; later ones are only counted. */
export class Diagnostics {
  readonly list: Diagnostic[] = [];
  count = 0;

  report(code: DiagnosticCode, plugin: string, message: string): void {
    this.count++;
    if (this.list.length < limit) this.list.push({ code, plugin, message });
  }
}
