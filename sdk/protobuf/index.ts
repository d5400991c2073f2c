export { ProtobufReader } from "./protobuf-reader";
export { ProtobufWriter } from "./protobuf-writer";
