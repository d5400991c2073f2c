import { findEnvoy } from "@attache/harness/envoy";
import { withoutEnvoy } from "@attache/harness/vitest";
import { CompactSign, exportJWK, generateKeyPair } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePorts } from "../free-ports.ts";
import type { Answer } from "./client.ts";
import type { Request } from "./generator.ts";
import type { JwtRule, Table } from "./policy.ts";
import { PolicyProxy, type Answers, type Loaded } from "./proxy.ts";
import { ownTranslator } from "./translators.ts";

type Issuer = "a" | "b";
type Place = "authorization" | "x-token" | "access_token" | "token" | "session";
type Kind = Issuer | "forged";

const kinds: readonly Kind[] = ["a", "b", "forged"];
const rfc6750: readonly Place[] = ["authorization", "access_token"];
const named: readonly Place[] = ["x-token", "authorization", "token", "session"];
const envoy = await findEnvoy();

const byNames: Partial<JwtRule> = {
  fromHeaders: [{ name: "x-token" }, { name: "authorization", prefix: "Bearer " }],
  fromParams: ["token"],
  fromCookies: ["session"],
};

describe.skipIf(envoy === null)(`several tokens in one request${envoy === null ? `: ${withoutEnvoy}` : ""}`, () => {
  const keys = new Map<Issuer, { sign: (claims: object) => Promise<string>; jwks: string }>();
  let proxy: PolicyProxy;

  beforeAll(async () => {
    for (const issuer of ["a", "b"] as const) keys.set(issuer, await makeKey());
    proxy = await PolicyProxy.start();
  });
  afterAll(async () => await proxy.stop());

  it.each([
    { places: rfc6750, issuers: ["b"], more: {} },
    { places: rfc6750, issuers: ["a", "b"], more: {} },
    { places: rfc6750, issuers: ["a", "b"], more: { forwardOriginalToken: true } },
    { places: named, issuers: ["b"], more: byNames },
  ] satisfies { places: readonly Place[]; issuers: Issuer[]; more: Partial<JwtRule> }[])(
    "are judged as Envoy does, and policies see the same of them: in $places.length places, of issuers $issuers, with $more",
    async ({ places, issuers, more }) => {
      const rules = issuers.map((issuer) => ({ ...more, issuer, jwks: keys.get(issuer)!.jwks }));
      const loaded = await load(proxy, places, rules);
      for (const [first, second] of pairs(places)) {
        for (const kindOfFirst of kinds) {
          for (const kindOfSecond of kinds) {
            const request = makeRequest();
            await put(request, first, kindOfFirst);
            await put(request, second, kindOfSecond);
            const { native, filter } = await outcome(proxy, loaded, places, request);
            const which = `${first}: ${kindOfFirst}, ${second}: ${kindOfSecond}`;
            // Envoy may take tokens of two issuers, depending on where they are: ours does not.
            const isMixed = [kindOfFirst, kindOfSecond].sort().join() === "a,b";
            if (isMixed) expect(filter, which).toBe("401 Jwt issuer is not configured");
            // Of what is wrong by several rules either may be told.
            else if (native.startsWith("401") && issuers.length > 1) expect(filter, which).toMatch(/^401 Jwt /);
            else expect(filter, which).toBe(native);
          }
        }
      }
    },
    60_000,
  );

  it("make headers of the claims that policies see", async () => {
    const jwks = keys.get("b")!.jwks;
    const outputClaimToHeaders = [{ header: "x-sub", claim: "sub" }];
    const [loaded] = await load(proxy, ["authorization"], [{ issuer: "b", jwks, outputClaimToHeaders, ...byNames }]);
    const request = makeRequest();
    for (const place of named) await put(request, place, "b");
    const { native, filter } = await send(proxy, loaded!, request);
    expect(native.headers["seen-x-sub"]).toBe("session");
    expect(filter.headers["seen-x-sub"]).toBe("authorization");
    expect([native, filter].map(isAudited)).toEqual([true, true]);
  });

  async function put(request: Request, place: Place, kind: Kind): Promise<void> {
    const issuer = kind === "forged" ? "b" : kind;
    const signed = await keys.get(issuer)!.sign({ iss: issuer, sub: place });
    const token = kind === "forged" ? `${signed.slice(0, -6)}AAAAAA` : signed;
    if (place === "authorization") request.headers.push([place, `Bearer ${token}`]);
    else if (place === "x-token") request.headers.push([place, token]);
    else if (place === "session") request.headers.push(["cookie", `session=${token}`]);
    else request.target += `?${place}=${token}`;
  }
});

async function makeKey() {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const header = { alg: "ES256", kid: "k" };
  const sign = async (claims: object) =>
    await new CompactSign(Buffer.from(JSON.stringify(claims))).setProtectedHeader(header).sign(privateKey);
  return { sign, jwks: JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), ...header }] }) };
}

const makeRequest = (): Request => ({ method: "GET", target: "/", headers: [["host", "shop.example"]] });

const pairs = (places: readonly Place[]) =>
  places.flatMap((first, index) => places.slice(index + 1).map((second) => [first, second] as const));

/** One table for each place, with a policy that tells whether it sees the claims of the token there. */
async function load(proxy: PolicyProxy, places: readonly Place[], jwtRules: JwtRule[]): Promise<Loaded[]> {
  const ports = await freePorts(places.length);
  const loaded = await Promise.all(
    places.map(async (place, index): Promise<Loaded> => {
      const when = [{ key: "request.auth.claims[sub]", values: [place] }];
      const table: Table = {
        policies: [{ name: place, action: "AUDIT", rules: [{ when }] }],
        jwtRules,
        tls: false,
        normalizesPath: false,
        pathNormalization: "none",
        multiValue: "istio",
        usesPeerAddress: false,
      };
      return { table, port: ports[index]!, filters: await ownTranslator.translate(table) };
    }),
  );
  await proxy.load(loaded);
  return loaded;
}

/** `200` and the place of the token that policies see, or why there is none. */
async function outcome(proxy: PolicyProxy, loaded: readonly Loaded[], places: readonly Place[], request: Request) {
  const answers = await Promise.all(loaded.map(async (table) => await send(proxy, table, request)));
  const sides = (["native", "filter"] as const).map((side) => {
    const { status, body } = answers[0]![side];
    const seen = places.filter((_, index) => isAudited(answers[index]![side]));
    return `${status} ${status === 200 ? seen : body}`;
  });
  return { native: sides[0]!, filter: sides[1]! };
}

async function send(proxy: PolicyProxy, loaded: Loaded, request: Request): Promise<Answers> {
  return (await proxy.send(loaded, { peer: "none", serverName: "", requests: [request] }))[0]!;
}

function isAudited({ headers }: Answer): boolean {
  return headers["native-audited"] === "true" || /[^-]/.test(headers["filter-audited"] ?? "-");
}
