import { istioCluster } from "./istio-cluster";

describe("the name of Istio's cluster for a service", () => {
  it("has direction, port, subset and host", () => {
    expect<string>(istioCluster("auth.example.com", 443)).toBe("outbound|443||auth.example.com");
    expect<string>(istioCluster("auth.default.svc.cluster.local", 80, "v2")).toBe(
      "outbound|80|v2|auth.default.svc.cluster.local",
    );
  });
});
