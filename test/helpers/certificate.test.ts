import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { type AuthorityFiles, reissued } from "../../src/helpers/certificate.ts";
import { withClientCertificate } from "../../src/helpers/kubeconfig.ts";
import { type Authority, type Credential, issue, makeAuthority } from "../../src/lab/kubeadm/certificates.ts";
import { kubeconfig } from "../../src/lab/kubeadm/kubeconfig.ts";
import { rsaPair } from "../support/rsa.ts";

const DAY = 24 * 60 * 60 * 1000;
const all = ["subject", "subjectAltName", "serialNumber", "issuer", "keyUsage"] as const;
const shown = (pem: string, names: readonly (typeof all)[number][] = all) => {
  const certificate = new X509Certificate(pem);
  return {
    ...Object.fromEntries(names.map((name) => [name, certificate[name]])),
    key: certificate.publicKey.export({ type: "spki", format: "pem" }),
  };
};

let authority: Authority;
let stranger: Authority;
let admin: Credential;

beforeAll(async () => {
  authority = await makeAuthority("kubernetes");
  stranger = await makeAuthority("kubernetes");
  admin = await issue(authority, {
    commonName: "kubernetes-admin",
    organisation: "kubeadm:cluster-admins",
    names: ["cp1"],
    addresses: ["10.0.0.1"],
    usage: ["client", "server"],
  });
});

describe("a certificate that is signed anew", () => {
  it("is as it was, but for a time that is over", () => {
    const made = reissued(admin.certificate, authority, { endedBefore: 3 }) ?? "";
    expect(shown(made)).toEqual(shown(admin.certificate));
    const [before, now] = [new X509Certificate(admin.certificate), new X509Certificate(made)];
    expect(now.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
    expect(Date.parse(before.validFrom) - Date.parse(now.validTo)).toBe(3 * DAY);
    expect(Date.parse(now.validTo) - Date.parse(now.validFrom)).toBe(365 * DAY);
  });

  it("is as it was, but for the groups", () => {
    const made = reissued(admin.certificate, authority, { withoutGroups: true }) ?? "";
    const rest = ["subjectAltName", "serialNumber", "issuer", "keyUsage"] as const;
    expect(shown(made, rest)).toEqual(shown(admin.certificate, rest));
    expect(new X509Certificate(admin.certificate).subject).toBe(
      "O=kubeadm:cluster-admins\nCN=kubernetes-admin",
    );
    expect(new X509Certificate(made).subject).toBe("CN=kubernetes-admin");
    expect(new X509Certificate(made).verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
  });

  it.each([
    ["10.0.0.1", "10.0.2.15", "DNS:cp1, IP Address:10.0.2.15"],
    ["cp1", "cp9", "DNS:cp9, IP Address:10.0.0.1"],
  ])("is valid for another name than %s", (from, to, names) => {
    const made = reissued(admin.certificate, authority, { renamed: { from, to } }) ?? "";
    const rest = ["subject", "serialNumber", "issuer", "keyUsage"] as const;
    expect(shown(made, rest)).toEqual(shown(admin.certificate, rest));
    expect(new X509Certificate(made).subjectAltName).toBe(names);
    expect(new X509Certificate(made).verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
  });

  it("is not made for a name that it has not", () => {
    const renamed = { from: "cp2", to: "cp9" };
    expect(reissued(admin.certificate, authority, { renamed })).toBeUndefined();
  });

  it("of an authority with an RSA key, as kubeadm makes it", async () => {
    const { ca, leaf } = await rsaPair();
    const made = reissued(leaf, ca, { endedBefore: 1 }) ?? "";
    expect(new X509Certificate(made).verify(new X509Certificate(ca.certificate).publicKey)).toBe(true);
    expect(Date.parse(new X509Certificate(made).validTo)).toBeLessThan(Date.now());
  });

  it("leaves what follows it in the file", () => {
    const chain = `${admin.certificate}${authority.certificate}`;
    expect(reissued(chain, authority, { endedBefore: 1 })?.endsWith(`\n${authority.certificate}`)).toBe(true);
  });

  it.each<[string, () => [certificate: string, by: AuthorityFiles]]>([
    ["another authority of that name", () => [admin.certificate, stranger]],
    ["an authority with another's key", () => [admin.certificate, { ...authority, key: stranger.key }]],
    ["no certificate", () => ["hello", authority]],
    ["no key", () => [admin.certificate, { ...authority, key: "" }]],
  ])("cannot be had with %s", (_, given) => {
    const [certificate, by] = given();
    expect(reissued(certificate, by, { endedBefore: 1 })).toBeUndefined();
  });
});

it("a kubeconfig gets the certificate of its current user changed, and nothing else", () => {
  const before = kubeconfig({
    server: "https://10.0.0.1:6443",
    ca: authority.certificate,
    user: "kubernetes-admin",
    credential: admin,
  });
  const seen: string[] = [];
  const after = withClientCertificate(before, (present) => {
    seen.push(present);
    return "another";
  });
  expect(seen).toEqual([admin.certificate]);
  const [was, is] = [admin.certificate, "another"].map((text) => Buffer.from(text).toString("base64"));
  expect(after).toBe(before.replace(was ?? "", is ?? ""));
  expect(withClientCertificate(before, () => undefined)).toBeUndefined();
  expect(withClientCertificate("users: []", () => "another")).toBeUndefined();
});
