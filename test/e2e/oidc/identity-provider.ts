import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { Provider } from "oidc-provider";

/** The service that tokens are for. */
export const AUDIENCE = "https://shop.example";
const CLIENT = "shop";
const SECRET = "a secret of the tests";

/** A signing key that the provider publishes; the first of a list signs. */
export async function signingKey(kid: string, alg = "RS256"): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg, use: "sig" };
}

/** A real OpenID provider (npm `oidc-provider`) on a free loopback port, whose keys can be rotated. */
export class IdentityProvider implements AsyncDisposable {
  readonly #server: Server;
  /** How often its keys were asked for. */
  keyRequests = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(...keys: JWK[]): Promise<IdentityProvider> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const provider = new IdentityProvider(server);
    provider.rotate(...keys);
    return provider;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** From now on publishes these keys and signs by the first. */
  rotate(...keys: JWK[]): void {
    const provider = new Provider(this.issuer, {
      clients: [
        {
          client_id: CLIENT,
          client_secret: SECRET,
          grant_types: ["client_credentials"],
          redirect_uris: [],
          response_types: [],
          id_token_signed_response_alg: keys[0]!.alg as "RS256",
        },
      ],
      jwks: { keys: keys as never },
      ttl: { ClientCredentials: 600 },
      features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: () => ({
            scope: "read",
            audience: AUDIENCE,
            accessTokenFormat: "jwt",
            jwt: { sign: { alg: keys[0]!.alg as "RS256", kid: keys[0]!.kid! } },
          }),
        },
      },
    });
    const handle = provider.callback();
    this.#server.removeAllListeners("request");
    this.#server.on("request", (request, response) => {
      if (request.url === "/jwks") this.keyRequests += 1;
      void handle(request, response);
    });
  }

  /** An access token as the provider signs it. */
  async token(): Promise<string> {
    const response = await fetch(`${this.issuer}/token`, {
      method: "POST",
      headers: { authorization: `Basic ${Buffer.from(`${CLIENT}:${encodeURIComponent(SECRET)}`).toString("base64")}` },
      body: new URLSearchParams({ grant_type: "client_credentials", resource: AUDIENCE, scope: "read" }),
    });
    const answer = (await response.json()) as { access_token?: string };
    if (answer.access_token === undefined) throw new Error(JSON.stringify(answer));
    return answer.access_token;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
