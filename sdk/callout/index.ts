export { Callout, CalloutOutcome, CalloutRefusal } from "./callout";
export { CalloutJoin } from "./callout-join";
export { CalloutRequest } from "./callout-request";
export { CalloutHeaders, CalloutResponse } from "./callout-response";
export { HttpCallout } from "./http-callout";
export { istioCluster } from "./istio-cluster";
export { RetryPolicy } from "./retry-policy";
