import "reflect-metadata";
import { KeyObject, webcrypto } from "node:crypto";
import { X509CertificateGenerator } from "@peculiar/x509";
import type { Credential } from "../../src/lab/kubeadm/certificates.ts";

/** A client certificate that was valid until 2020-02-03. */
export async function expiredCertificate(): Promise<Credential> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=kubernetes-admin",
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date("2019-02-03T00:00:00Z"),
    notAfter: new Date("2020-02-03T00:00:00Z"),
  });
  const key = KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" }).toString();
  return { certificate: certificate.toString("pem"), key };
}
