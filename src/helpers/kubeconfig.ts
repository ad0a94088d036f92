import { createRequire } from "node:module";
import type { Document, YAMLMap } from "yaml";

/** A kubeconfig whose user gets its credentials from a program, and what that program has to print. */
export interface ExecHelper {
  /** The kubeconfig with `users[].user.exec` in place of the credentials. Comments and order are kept. */
  readonly kubeconfig: string;
  /** The `ExecCredential` with exactly the credentials that were there, as JSON on one line. */
  readonly credential: string;
}

const API = "client.authentication.k8s.io/v1";

const decoded = (value: unknown) => Buffer.from(String(value), "base64").toString("utf8");

/** What an exec plugin may return: a token, or a client certificate and key in PEM. */
function statusOf(user: YAMLMap): Record<string, string> | undefined {
  const token = user.get("token");
  const certificate = user.get("client-certificate-data");
  const key = user.get("client-key-data");
  if (certificate && key) return { clientCertificateData: decoded(certificate), clientKeyData: decoded(key) };
  if (typeof token === "string") return { token };
  return undefined;
}

/**
 * Puts `command` in the place of the first user's credentials.
 * @returns `undefined` when the text is no kubeconfig whose credentials are written in it.
 */
export function withExecHelper(kubeconfig: string, command: string): ExecHelper | undefined {
  // Loaded here, so that listing the breaks does not load a YAML parser.
  const { parseDocument } = createRequire(import.meta.url)("yaml") as typeof import("yaml");
  const document: Document = parseDocument(kubeconfig);
  const user = document.errors.length === 0 ? document.getIn(["users", 0, "user"]) : undefined;
  if (!isMap(user)) return undefined;
  const status = statusOf(user);
  if (status === undefined) return undefined;
  for (const name of ["client-certificate-data", "client-key-data", "token"]) user.delete(name);
  user.set("exec", document.createNode({ apiVersion: API, command, interactiveMode: "Never" }));
  return {
    kubeconfig: document.toString({ lineWidth: 0, indentSeq: false }),
    credential: JSON.stringify({ apiVersion: API, kind: "ExecCredential", status }),
  };
}

function isMap(node: unknown): node is YAMLMap {
  return typeof node === "object" && node !== null && "items" in node && "set" in node;
}
