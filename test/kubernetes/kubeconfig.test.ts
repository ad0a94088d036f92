import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { ConfigError } from "../../src/errors.ts";
import { loadKubeconfig } from "../../src/kubernetes/kubeconfig.ts";
import { type Credential, issue, makeAuthority } from "../../src/lab/kubeadm/certificates.ts";
import { kubeconfig } from "../../src/lab/kubeadm/kubeconfig.ts";

const folder = mkdtempSync(join(tmpdir(), "kubeconfig-"));
let admin: Credential;
let ca: string;
let text: string;

beforeAll(async () => {
  const authority = await makeAuthority("kubernetes");
  ca = authority.certificate;
  admin = await issue(authority, { commonName: "kubernetes-admin", usage: ["client"] });
  const server = "https://10.0.0.1:6443";
  text = kubeconfig({ server, ca, user: "kubernetes-admin", credential: admin });
});
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, content: string) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

/** The same with the user's fields replaced. */
function withUser(user: unknown): string {
  const config = parse(text);
  return stringify({ ...config, users: [{ name: "kubernetes-admin", user }] });
}

const touch = {
  apiVersion: "client.authentication.k8s.io/v1",
  command: "touch",
  args: [join(folder, "ran")],
};

describe("a kubeconfig", () => {
  it("of kubeadm is read", async () => {
    expect(await loadKubeconfig(write("admin.conf", text))).toEqual({
      file: join(folder, "admin.conf"),
      cluster: "kubernetes",
      user: "kubernetes-admin",
      server: "https://10.0.0.1:6443",
      ca,
      insecure: false,
      tlsServerName: undefined,
      proxyUrl: undefined,
      credentials: admin,
    });
  });

  it("may name files in its own folder", async () => {
    write("c.crt", admin.certificate);
    write("c.key", admin.key);
    const config = write("files.conf", withUser({ "client-certificate": "c.crt", "client-key": "./c.key" }));
    expect((await loadKubeconfig(config)).credentials).toEqual(admin);
  });

  it.each([
    ["a token", { token: "t" }],
    ["a file with a token", { tokenFile: "token" }],
    ["a token beside a helper", { token: "t", exec: touch }],
  ])("may have %s", async (_what, user) => {
    write("token", "t\n");
    expect((await loadKubeconfig(write("token.conf", withUser(user)))).credentials).toEqual({ token: "t" });
  });

  it("has several contexts of which one is chosen", async () => {
    const config = parse(text);
    const contexts = [...config.contexts, { name: "other", context: { cluster: "kubernetes", user: "ada" } }];
    const users = [...config.users, { name: "ada", user: { token: "t" } }];
    const file = write("two.conf", stringify({ ...config, contexts, users }));
    expect((await loadKubeconfig(file)).user).toBe("kubernetes-admin");
    expect((await loadKubeconfig(file, "other")).user).toBe("ada");
  });
});

describe("a kubeconfig is refused, with the place, for", () => {
  const change = (from: RegExp, to: string) => () => text.replace(from, to);
  it.each([
    ["not being there", undefined, /^\S+:1:1: there is no such file$/],
    ["being no YAML", () => "a: [", /not valid YAML/],
    ["being something else", () => "kind: Pod\n", /:1:1: this is no kubeconfig: its `kind` is not Config$/],
    [
      "being empty",
      () => "kind: Config\nclusters: []\ncontexts: []\nusers: []\n",
      /:2:11: `clusters` must have/,
    ],
    [
      "a context that is not there",
      change(/^current-context: .*/m, "current-context: kubernetes"),
      /:\d+:18: unknown context `kubernetes`/,
    ],
    [
      "no context",
      change(/^current-context: .*/m, 'current-context: ""'),
      /no context is chosen; there are kubernetes-admin@kubernetes/,
    ],
    [
      "a cluster that is not there",
      change(/cluster: kubernetes\n/, "cluster: kubernets\n"),
      /:\d+:14: unknown cluster `kubernets`, did you mean `kubernetes`\?/,
    ],
    [
      "a user that is not there",
      change(/^ {4}user: kubernetes-admin/m, "    user: ada"),
      /:\d+:11: unknown user `ada`/,
    ],
    ["no https", change(/server: https/, "server: http"), /`server` must be an https URL/],
    [
      "data that is none",
      change(/certificate-authority-data: .*/, "certificate-authority-data: abcd"),
      /`certificate-authority-data` is no PEM in base64/,
    ],
    [
      "a certificate that is none",
      change(
        /client-certificate-data: .*/,
        `client-certificate-data: ${Buffer.from("-----BEGIN CERTIFICATE-----\nx\n").toString("base64")}`,
      ),
      /:\d+:30: `client-certificate` cannot be read as one/,
    ],
    [
      "no credentials",
      () => withUser({}),
      /the user `kubernetes-admin` has neither a client certificate with its key nor a token/,
    ],
    [
      "a file that is not there",
      () => withUser({ "client-certificate": "no.crt", "client-key": "no.key" }),
      /no\.crt cannot be read: there is no such file/,
    ],
    [
      "a credential helper",
      () => withUser({ exec: touch }),
      /:\d+:\d+: the user `kubernetes-admin` gets its credentials from a program \(`exec`\).*admin\.conf/,
    ],
    [
      "an auth provider",
      () => withUser({ "auth-provider": { name: "gcp", config: { "cmd-path": "touch" } } }),
      /\(`auth-provider`\)/,
    ],
  ])("%s", async (_what, content, message) => {
    const file = content === undefined ? join(folder, "none") : write("bad.conf", content());
    const refusal = loadKubeconfig(file);
    await expect(refusal).rejects.toThrow(ConfigError);
    await expect(refusal).rejects.toThrow(message);
  });
});
