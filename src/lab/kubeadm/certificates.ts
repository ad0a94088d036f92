import { createPrivateKey, createPublicKey, KeyObject, webcrypto } from "node:crypto";

/** A certificate and its key, as PEM. */
export interface Credential {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate authority that {@link issue} can sign with. */
export interface Authority extends Credential {
  readonly signingKey: webcrypto.CryptoKey;
}

export interface Subject {
  readonly commonName: string;
  readonly organisation?: string;
  /** DNS names that it is good for. */
  readonly names?: readonly string[];
  /** IP addresses that it is good for. */
  readonly addresses?: readonly string[];
  readonly usage: readonly ("server" | "client")[];
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const year = 365 * 24 * 60 * 60 * 1000;

async function library() {
  // @peculiar/x509 finds its parts by decorators, which need this loaded before it.
  await import("reflect-metadata");
  return import("@peculiar/x509");
}

function keyPair(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

// kubeadm writes EC keys in this form.
function pemOfKey(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: "sec1", format: "pem" }).toString();
}

function validity(years: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  // A clock that is a little behind ours must not find a certificate of the future.
  return { notBefore: new Date(now - 5 * 60 * 1000), notAfter: new Date(now + years * year) };
}

/** A certificate authority made anew, valid for ten years as kubeadm's. */
export async function makeAuthority(commonName: string): Promise<Authority> {
  const x509 = await library();
  const keys = await keyPair();
  const usage = x509.KeyUsageFlags;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(10),
    name: `CN=${commonName}`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.KeyUsagesExtension(usage.digitalSignature | usage.keyEncipherment | usage.keyCertSign, true),
      new x509.BasicConstraintsExtension(true, undefined, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new x509.SubjectAlternativeNameExtension([{ type: "dns", value: commonName }]),
    ],
  });
  return {
    certificate: `${certificate.toString("pem")}\n`,
    key: pemOfKey(keys.privateKey),
    signingKey: keys.privateKey,
  };
}

/** A certificate authority that was made earlier, from its PEM files. */
export async function loadAuthority(saved: Credential): Promise<Authority> {
  const der = createPrivateKey(saved.key).export({ type: "pkcs8", format: "der" });
  const signingKey = await webcrypto.subtle.importKey("pkcs8", der, algorithm, true, ["sign"]);
  return { ...saved, signingKey };
}

/** A certificate for `subject`, signed by `authority`, valid for one year as kubeadm's. */
export async function issue(authority: Authority, subject: Subject): Promise<Credential> {
  const x509 = await library();
  const keys = await keyPair();
  const issuer = new x509.X509Certificate(authority.certificate);
  const usage = x509.KeyUsageFlags;
  const alternatives = [
    ...(subject.names ?? []).map((value) => ({ type: "dns" as const, value })),
    ...(subject.addresses ?? []).map((value) => ({ type: "ip" as const, value })),
  ];
  const purposes = { server: x509.ExtendedKeyUsage.serverAuth, client: x509.ExtendedKeyUsage.clientAuth };
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(1),
    issuer: issuer.subject,
    subject: [
      ...(subject.organisation === undefined ? [] : [{ O: [subject.organisation] }]),
      { CN: [subject.commonName] },
    ],
    publicKey: keys.publicKey,
    signingKey: authority.signingKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.KeyUsagesExtension(usage.digitalSignature | usage.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension(subject.usage.map((name) => purposes[name])),
      new x509.BasicConstraintsExtension(false, undefined, true),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...(alternatives.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(alternatives)]),
    ],
  });
  return { certificate: `${certificate.toString("pem")}\n`, key: pemOfKey(keys.privateKey) };
}

/** A key pair for signing service account tokens, as PEM. */
export async function makeKeyPair(): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  const privateKey = pemOfKey((await keyPair()).privateKey);
  const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "pem" }).toString();
  return { privateKey, publicKey };
}
