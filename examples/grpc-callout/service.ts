/** A service to try the filter with: lets in whoever brings `Bearer open`. Run it by `node examples/grpc-callout/service.ts`. */
import { createServer } from "node:http2";

const port = 50051;

const server = createServer();
server.on("stream", (stream) => {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("end", () => {
    const isAllowed = Buffer.concat(chunks).includes("Bearer open");
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(framed(isAllowed ? [8, 1, ...textField(2, "ada")] : textField(3, "who are you?")));
  });
});
server.listen(port, "127.0.0.1", () => console.log(`authz.v1.Authorizer on 127.0.0.1:${port}`));

/** A protobuf field of up to 127 bytes. */
function textField(field: number, text: string): number[] {
  return [field * 8 + 2, text.length, ...Buffer.from(text)];
}

/** A message as gRPC sends it: not compressed, and its length. */
function framed(message: readonly number[]): Buffer {
  return Buffer.from([0, 0, 0, 0, message.length, ...message]);
}
