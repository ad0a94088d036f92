import { createHash, createPrivateKey, sign, X509Certificate } from "node:crypto";
import { createRequire } from "node:module";

/** A certificate authority, in PEM. */
export interface AuthorityFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface Reissue {
  /** Days before it was issued on which it ends: it has never been valid since. */
  readonly endedBefore?: number;
  /** True: without the organisations of its subject, which Kubernetes takes for the user's groups. */
  readonly withoutGroups?: boolean;
  /** A name or address that it is valid for, and which one it is valid for instead. */
  readonly renamed?: { readonly from: string; readonly to: string };
}

/** By the algorithm's identifier: RSA (PKCS #1) and ECDSA, with SHA-2. */
const hashes: Readonly<Record<string, string>> = {
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
};

const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const ORGANISATION = "2.5.4.10";
const DAY = 24 * 60 * 60 * 1000;
/** As long as kubeadm's certificates are good for. */
const YEAR = 365 * DAY;

/** Loaded when it is needed, so that listing the breaks does not load a parser. */
const asn1 = () => ({
  ...(createRequire(import.meta.url)("@peculiar/asn1-schema") as typeof import("@peculiar/asn1-schema")),
  ...(createRequire(import.meta.url)("@peculiar/asn1-x509") as typeof import("@peculiar/asn1-x509")),
});

/** A signature on an elliptic curve is another one each time, and a break's operations are the same for the same facts. */
const made = new Map<string, string | undefined>();

const block = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n?/;

/**
 * A certificate signed anew by the authority that has signed it, with the same key, names, extensions and serial number.
 * @param certificate PEM; what follows the first certificate is kept.
 * @returns `undefined` when it is not one of this authority, or signed in a way that is not known here, or not valid for
 * the name that is to be another one.
 */
export function reissued(
  certificate: string,
  authority: AuthorityFiles,
  change: Reissue,
): string | undefined {
  const asked = createHash("sha256")
    .update(JSON.stringify([certificate, authority.certificate, authority.key, change]))
    .digest("hex");
  if (!made.has(asked)) made.set(asked, signedAnew(certificate, authority, change));
  return made.get(asked);
}

function signedAnew(
  certificate: string,
  authority: AuthorityFiles,
  { endedBefore, withoutGroups, renamed }: Reissue,
): string | undefined {
  const key = signingKey(certificate, authority);
  if (key === undefined) return undefined;
  const { AsnConvert, Certificate, Name, OctetString, SubjectAlternativeName, Validity } = asn1();
  const { tbsCertificate: content, signatureAlgorithm } = AsnConvert.parse(
    new X509Certificate(certificate).raw,
    Certificate,
  );
  const hash = hashes[signatureAlgorithm.algorithm];
  if (hash === undefined) return undefined;
  if (endedBefore !== undefined) {
    const end = content.validity.notBefore.getTime().getTime() - endedBefore * DAY;
    content.validity = new Validity({ notBefore: new Date(end - YEAR), notAfter: new Date(end) });
  }
  if (withoutGroups)
    content.subject = new Name(
      [...content.subject].filter((part) => [...part].every(({ type }) => type !== ORGANISATION)),
    );
  if (renamed !== undefined) {
    const extension = content.extensions?.find(({ extnID }) => extnID === SUBJECT_ALTERNATIVE_NAME);
    const names = extension && AsnConvert.parse(extension.extnValue.buffer, SubjectAlternativeName);
    const meant = names?.filter(({ dNSName, iPAddress }) => (dNSName ?? iPAddress) === renamed.from) ?? [];
    if (extension === undefined || names === undefined || meant.length === 0) return undefined;
    for (const name of meant) name[name.iPAddress === undefined ? "dNSName" : "iPAddress"] = renamed.to;
    extension.extnValue = new OctetString(AsnConvert.serialize(names));
  }
  const signatureValue = sign(hash, Buffer.from(AsnConvert.serialize(content)), key);
  const whole = AsnConvert.serialize(
    new Certificate({
      tbsCertificate: content,
      signatureAlgorithm,
      signatureValue: new Uint8Array(signatureValue).buffer,
    }),
  );
  return certificate.replace(block, () => new X509Certificate(Buffer.from(whole)).toString());
}

/** The authority's key, if it is the one by which the certificate was signed. */
function signingKey(certificate: string, authority: AuthorityFiles) {
  try {
    const issuer = new X509Certificate(authority.certificate);
    const key = createPrivateKey(authority.key);
    const signed = new X509Certificate(certificate).verify(issuer.publicKey);
    return signed && issuer.checkPrivateKey(key) ? key : undefined;
  } catch {
    return undefined;
  }
}
