export { GrpcCall } from "./grpc-call";
export { GrpcReply } from "./grpc-reply";
export { GrpcRequest } from "./grpc-request";
export { GrpcStatus } from "./grpc-status";
export { GrpcStream } from "./grpc-stream";
