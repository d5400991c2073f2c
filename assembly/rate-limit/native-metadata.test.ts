import { generateKeyPairSync } from "node:crypto";
import { findEnvoy } from "@attache/harness/envoy";
import { withoutEnvoy } from "@attache/harness/vitest";
import { SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { EnvoyFile, type Bootstrap } from "../../test/envoy-file.ts";

const envoy = await findEnvoy();
const keys = generateKeyPairSync("ed25519");
const types = "type.googleapis.com/envoy.extensions.filters.http";

/** Verifies tokens, and publishes their claims as `payload`. */
const jwtAuthn = {
  name: "envoy.filters.http.jwt_authn",
  typed_config: {
    "@type": `${types}.jwt_authn.v3.JwtAuthentication`,
    providers: {
      any: {
        local_jwks: { inline_string: JSON.stringify({ keys: [keys.publicKey.export({ format: "jwk" })] }) },
        payload_in_metadata: "payload",
      },
    },
    rules: [
      {
        match: { prefix: "/" },
        requires: { requires_any: { requirements: [{ provider_name: "any" }, { allow_missing: {} }] } },
      },
    ],
  },
};

/** Writes a request header into dynamic metadata. */
const headerToMetadata = {
  name: "envoy.filters.http.header_to_metadata",
  typed_config: {
    "@type": `${types}.header_to_metadata.v3.Config`,
    request_rules: [
      { header: "x-tenant", on_header_present: { metadata_namespace: "tenants", key: "id", type: "STRING" } },
    ],
  },
};

/** The filter behind both, with one request for each key; requests are answered by the proxy. */
const withKey =
  (key: object, overrides: object[] = []) =>
  (bootstrap: Bootstrap): void => {
    bootstrap.admin = { address: { socket_address: { address: "127.0.0.1", port_value: 0 } } };
    const resources = bootstrap.static_resources as Bootstrap;
    resources.clusters = [];
    const manager = resources.listeners[0].filter_chains[0].filters[0].typed_config as Bootstrap;
    manager.route_config.virtual_hosts[0].routes = [{ match: { prefix: "/" }, direct_response: { status: 200 } }];
    const [wasm, router] = manager.http_filters as Bootstrap[];
    const limits = [{ name: "by", key: [key], limit: 1, per: "1h", overrides }];
    wasm!.typed_config.config.configuration.value = JSON.stringify({ limits });
    manager.http_filters = [jwtAuthn, headerToMetadata, wasm, router];
  };

async function bearer(claims: Record<string, unknown>): Promise<Record<string, string>> {
  const token = new SignJWT(claims).setProtectedHeader({ alg: "EdDSA" }).setIssuer("https://issuer.example");
  return { authorization: `Bearer ${await token.sign(keys.privateKey)}` };
}

const suite = "rate-limit behind Envoy's own filters";
describe.skipIf(envoy === null)(envoy === null ? `${suite}: ${withoutEnvoy}` : suite, () => {
  const statuses = async (key: object, requests: Record<string, string>[], overrides?: object[]) => {
    await using proxy = await EnvoyFile.start(envoy!, new URL("envoy.yaml", import.meta.url), withKey(key, overrides)); // prettier-ignore
    const found = [];
    for (const headers of requests) found.push((await fetch(proxy.proxy, { headers })).status);
    return found;
  };

  it("counts by claims that jwt_authn has verified", async () => {
    const [ada, bob] = [await bearer({ sub: "ada" }), await bearer({ sub: "bob" })];
    expect(await statuses({ claim: "sub" }, [ada, ada, bob, {}, {}])).toEqual([200, 429, 200, 200, 200]);
  });

  it("counts by claims within others", async () => {
    const [one, other] = [await bearer({ org: { team: "x" } }), await bearer({ org: { team: "y" } })];
    expect(await statuses({ claim: "org.team" }, [one, one, other])).toEqual([200, 429, 200]);
  });

  it("counts by claims that are numbers, truth and lists", async () => {
    const requests = [];
    for (const n of [5, 5, 6, true, true, false, ["a"], ["a"], ["b"]]) requests.push(await bearer({ n }));
    expect(await statuses({ claim: "n" }, requests)).toEqual([200, 429, 200, 200, 429, 200, 200, 429, 200]);
  });

  it("counts by consumers, and bans one", async () => {
    const overrides = [{ when: { consumer: { exact: "https://issuer.example/eve" } }, ban: true }];
    const [ada, eve] = [await bearer({ sub: "ada" }), await bearer({ sub: "eve" })];
    expect(await statuses({ consumer: {} }, [ada, ada, eve, {}], overrides)).toEqual([200, 429, 429, 200]);
  });

  it("counts by metadata of another filter", async () => {
    const key = { metadata: { filter: "tenants", path: ["id"] } };
    const [one, other] = [{ "x-tenant": "1" }, { "x-tenant": "2" }];
    expect(await statuses(key, [one, one, other, {}, {}])).toEqual([200, 429, 200, 200, 200]);
  });
});
