import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { withExecHelper } from "../../src/helpers/kubeconfig.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

const kubeconfig = (current: string, user: string) => `apiVersion: v1
kind: Config
# whose cluster this is
current-context: ${current}
contexts:
- context:
    cluster: lab
    user: viewer
  name: viewer@lab
- context:
    cluster: lab
    user: admin
  name: admin@lab
users:
- name: viewer
  user:
    token: seen-by-many
- name: admin
  user:
${user}
`;

const certificate = `    client-certificate-data: ${base64("CERT")}\n    client-key-data: ${base64("KEY")}`;

describe("withExecHelper", () => {
  it("takes the credentials of the current context's user, and leaves the others and the comments alone", () => {
    const made = withExecHelper(kubeconfig("admin@lab", certificate), "/usr/local/bin/helper");
    expect(JSON.parse(made?.credential ?? "")).toEqual({
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      status: { clientCertificateData: "CERT", clientKeyData: "KEY" },
    });
    expect(made?.kubeconfig).toContain("# whose cluster this is");
    expect(parse(made?.kubeconfig ?? "").users).toEqual([
      { name: "viewer", user: { token: "seen-by-many" } },
      {
        name: "admin",
        user: {
          exec: {
            apiVersion: "client.authentication.k8s.io/v1",
            command: "/usr/local/bin/helper",
            interactiveMode: "Never",
          },
        },
      },
    ]);
  });

  it("hands a token on as well", () => {
    const made = withExecHelper(kubeconfig("viewer@lab", certificate), "/helper");
    expect(JSON.parse(made?.credential ?? "").status).toEqual({ token: "seen-by-many" });
  });

  it.each([
    ["a context that does not exist", kubeconfig("nobody@lab", certificate)],
    [
      "credentials in files",
      kubeconfig("admin@lab", "    client-certificate: /a.crt\n    client-key: /a.key"),
    ],
    ["a helper that is there already", kubeconfig("admin@lab", "    exec: {command: x}")],
    ["no YAML", "users: ["],
    ["a list", "- users"],
    ["nothing", ""],
  ])("says nothing of %s", (_what, text) => {
    expect(withExecHelper(text, "/helper")).toBeUndefined();
  });
});
