import type { Credential } from "./certificates.ts";

export interface Kubeconfig {
  readonly server: string;
  /** The cluster's CA, PEM. */
  readonly ca: string;
  /** The user's name, such as `kubernetes-admin`. */
  readonly user: string;
  /** The user's certificate and key, or the path of a file on the node that holds both. */
  readonly credential: Credential | string;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** A kubeconfig, byte for byte in the form that kubeadm writes. */
export function kubeconfig({ server, ca, user, credential }: Kubeconfig): string {
  const data =
    typeof credential === "string"
      ? [`    client-certificate: ${credential}`, `    client-key: ${credential}`]
      : [
          `    client-certificate-data: ${base64(credential.certificate)}`,
          `    client-key-data: ${base64(credential.key)}`,
        ];
  return `${[
    "apiVersion: v1",
    "clusters:",
    "- cluster:",
    `    certificate-authority-data: ${base64(ca)}`,
    `    server: ${server}`,
    "  name: kubernetes",
    "contexts:",
    "- context:",
    "    cluster: kubernetes",
    `    user: ${user}`,
    `  name: ${user}@kubernetes`,
    `current-context: ${user}@kubernetes`,
    "kind: Config",
    "preferences: {}",
    "users:",
    `- name: ${user}`,
    "  user:",
    ...data,
  ].join("\n")}\n`;
}
