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

/** Loaded when it is needed, so that listing the breaks does not load a YAML parser. */
const yaml = () => createRequire(import.meta.url)("yaml") as typeof import("yaml");

/** The position of a list's entry with this name, as {@link Document.getIn} takes it. */
function named(document: Document, list: string, name: unknown): readonly [string, number] | undefined {
  const entries = document.get(list);
  const names = yaml().isSeq(entries)
    ? entries.items.map((_, index) => document.getIn([list, index, "name"]))
    : [];
  const index = names.indexOf(name);
  return index < 0 ? undefined : [list, index];
}

/** The user of the current context, which is the one that kubectl is. */
function currentUser(document: Document): unknown {
  const context = named(document, "contexts", document.get("current-context"));
  const user = context && named(document, "users", document.getIn([...context, "context", "user"]));
  return user && document.getIn([...user, "user"]);
}

/**
 * Puts `command` in the place of the credentials of the current context's user.
 * @returns `undefined` when the text is no kubeconfig whose credentials are written in it.
 */
export function withExecHelper(kubeconfig: string, command: string): ExecHelper | undefined {
  const { isMap, parseDocument } = yaml();
  const document: Document = parseDocument(kubeconfig);
  const user = document.errors.length === 0 && isMap(document.contents) ? currentUser(document) : undefined;
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

/**
 * Puts another client certificate in the place of that of the current context's user.
 * @param change Gets the certificate in PEM and gives the other one.
 * @returns `undefined` when the text is no kubeconfig with a client certificate in it, or `change` gives none.
 */
export function withClientCertificate(
  kubeconfig: string,
  change: (certificate: string) => string | undefined,
): string | undefined {
  const { isMap, parseDocument } = yaml();
  const document: Document = parseDocument(kubeconfig);
  const user = document.errors.length === 0 && isMap(document.contents) ? currentUser(document) : undefined;
  const present = isMap(user) ? user.get("client-certificate-data") : undefined;
  if (!isMap(user) || typeof present !== "string") return undefined;
  const changed = change(decoded(present));
  if (changed === undefined) return undefined;
  user.set("client-certificate-data", Buffer.from(changed).toString("base64"));
  return document.toString({ lineWidth: 0, indentSeq: false });
}
