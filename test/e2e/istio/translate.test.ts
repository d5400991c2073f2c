import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Conversation } from "./conversation.ts";
import { findIstio } from "./program.ts";
import { translateAuthz, translateRoutes, type TranslateRequest } from "./translate.ts";

const istio = await findIstio();
const suite =
  istio === null ? "Istio: not built, see `npm run setup -- --all`: its translations" : "Istio's translations";

const gateway = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: gateway }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]
`;
const virtualService = (http: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop }
spec:
  hosts: [shop.example]
  gateways: [gateway, mesh]
  http: ${http}
`;

describe.skipIf(istio === null)(suite, () => {
  describe("of routes", () => {
    let routes: ReturnType<typeof translateRoutes>;
    beforeAll(() => void (routes = translateRoutes(istio!)));
    afterAll(async () => await routes?.[Symbol.asyncDispose]());

    const split = virtualService(`
    - match: [{ uri: { prefix: /v2 }, headers: { end-user: { exact: vip } } }]
      route:
        - { destination: { host: v2.example, port: { number: 80 } }, weight: 90 }
        - { destination: { host: v1.example, port: { number: 80 } }, weight: 10 }`);
    const route = {
      match: {
        prefix: "/v2",
        case_sensitive: true,
        headers: [{ name: "end-user", string_match: { exact: "vip" } }],
      },
      route: {
        weighted_clusters: {
          clusters: [
            { name: "outbound|80||v2.example", weight: 90 },
            { name: "outbound|80||v1.example", weight: 10 },
          ],
        },
      },
    };

    it("are those of a gateway", async () => {
      const answer = await routes.ask({ resources: `${gateway}---${split}` });
      expect(answer.routes).toMatchObject([
        { name: "http.80", virtual_hosts: [{ domains: ["shop.example"], routes: [route] }] },
      ]);
    });

    it("are those of a sidecar, when there is a service", async () => {
      const service = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: shop }
spec:
  hosts: [shop.example]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: DNS
`;
      const answer = await routes.ask({ resources: `${service}---${split}`, proxy: { type: "sidecar" } });
      const [http] = answer.routes.filter(({ name }) => name === "80");
      expect(http).toMatchObject({ virtual_hosts: [{ routes: [route] }, {}] });
    });

    it("are refused with what istiod's webhook says", async () => {
      const wrong = virtualService("[{ match: [{ uri: { regex: '(' } }], route: [{ destination: { host: a } }] }]");
      await expect(routes.ask({ resources: gateway + "---" + wrong })).rejects.toThrow("missing closing )");
    });

    it("of 500 tables take seconds, in their order", async () => {
      const tables = Array.from({ length: 500 }, (_, i) =>
        virtualService(`[{ match: [{ uri: { exact: /${i} } }], directResponse: { status: 200 } }]`),
      );
      const answers = await Promise.all(tables.map((text) => routes.ask({ resources: `${gateway}---${text}` })));
      const paths = answers.map(({ routes }) => routes[0]!.virtual_hosts[0]!.routes[0]!.match.path);
      expect(paths).toEqual(tables.map((_, i) => `/${i}`));
    }, 60_000);
  });

  describe("of security policies", () => {
    let authz: ReturnType<typeof translateAuthz>;
    beforeAll(() => void (authz = translateAuthz(istio!)));
    afterAll(async () => await authz?.[Symbol.asyncDispose]());

    it("are the filters of the chain, in order", async () => {
      const resources = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: allow }
spec:
  rules: [{ from: [{ source: { requestPrincipals: [issuer/*] } }] }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: deny }
spec:
  action: DENY
  rules: [{ to: [{ operation: { paths: [/admin*] } }] }]
---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens }
spec:
  jwtRules: [{ issuer: issuer, jwks: '{"keys":[]}' }]
`;
      const { filters } = await authz.ask({ resources, proxy: { type: "sidecar" } });
      expect(filters).toMatchObject([
        { name: "envoy.filters.http.jwt_authn", typed_config: { providers: { "origins-0": { issuer: "issuer" } } } },
        {
          name: "envoy.filters.http.rbac",
          typed_config: { rules: { action: "DENY", policies: { "ns[default]-policy[deny]-rule[0]": {} } } },
        },
        {
          name: "envoy.filters.http.rbac",
          typed_config: { rules: { policies: { "ns[default]-policy[allow]-rule[0]": {} } } },
        },
      ]);
    });

    it.each<[string, TranslateRequest, string]>([
      ["an empty value", { resources: policy("paths: ['']") }, "empty value not allowed"],
      ["an unknown kind", { resources: "apiVersion: v9\nkind: Nope" }, "v9/Nope: unknown kind"],
    ])("are refused with %s", async (_name, request, problem) => {
      await expect(authz.ask(request)).rejects.toThrow(problem);
    });
  });

  it("answers what is no request, and goes on", async () => {
    await using lines = new Conversation<unknown, { routes: unknown[] }>(istio!, "translate-routes");
    await expect(lines.ask("no object")).rejects.toThrow("request: ");
    expect((await lines.ask({ resources: gateway })).routes).toHaveLength(1);
  });
});

function policy(operation: string): string {
  return `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: wrong }
spec:
  rules: [{ to: [{ operation: { ${operation} } }] }]
`;
}
