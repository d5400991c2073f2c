// Asked for by x509, before it is loaded.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type JsonGeneralName,
} from "@peculiar/x509";

/** A certificate and its key, as PEM. */
export interface Identity {
  cert: string;
  key: string;
}

/** Who clients say they are: a SPIFFE id in a mesh, or what certificates outside of one have. `null`: no certificate. */
export const peers = {
  none: null,
  sleep: [{ type: "url", value: "spiffe://cluster.local/ns/default/sa/sleep" }],
  dotted: [{ type: "url", value: "spiffe://cluster.local/ns/foo/sa/s.a" }],
  undotted: [{ type: "url", value: "spiffe://td1/ns/foo/sa/sxa" }],
  nested: [{ type: "url", value: "spiffe://td1.example/ns/foo-bar/cluster/c1/sa/sleep/pod/p" }],
  twiceNamed: [{ type: "url", value: "spiffe://cluster.local/ns/foo/ns/default/sa/httpbin/sa/sleep" }],
  workload: [{ type: "url", value: "spiffe://td1/workload" }],
  otherScheme: [{ type: "url", value: "https://cluster.local/ns/default/sa/sleep" }],
  dnsName: [{ type: "dns", value: "client.example" }],
  subject: [],
} satisfies Record<string, JsonGeneralName[] | null>;

export type Peer = keyof typeof peers;

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const HOUR_MS = 3_600_000;

/** A certificate authority of its own, a server, and a client of each kind. */
export interface Identities {
  authority: string;
  server: Identity;
  clients: ReadonlyMap<string, Identity>;
}

/** @param names what stands in the certificate of each client */
export async function makeIdentities(
  names: Readonly<Record<string, JsonGeneralName[] | null>> = peers,
): Promise<Identities> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const validity = { notBefore: new Date(Date.now() - HOUR_MS), notAfter: new Date(Date.now() + 24 * HOUR_MS) };
  const authority = await X509CertificateGenerator.createSelfSigned({
    name: "CN=authority",
    keys,
    ...validity,
    signingAlgorithm: ALGORITHM,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  const issue = async (subject: string, names: JsonGeneralName[]): Promise<Identity> => {
    const { publicKey, privateKey } = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const certificate = await X509CertificateGenerator.create({
      subject,
      issuer: authority.subject,
      publicKey,
      signingKey: keys.privateKey,
      ...validity,
      signingAlgorithm: ALGORITHM,
      extensions: names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)],
    });
    const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", privateKey));
    const key = `-----BEGIN PRIVATE KEY-----\n${der.toString("base64")}\n-----END PRIVATE KEY-----\n`;
    return { cert: certificate.toString("pem"), key };
  };
  const clients = new Map<string, Identity>();
  for (const [client, own] of Object.entries(names)) {
    if (own !== null) clients.set(client, await issue(`CN=${client}`, own));
  }
  return {
    authority: authority.toString("pem"),
    server: await issue("CN=server", [{ type: "dns", value: "server.example" }]),
    clients,
  };
}
