import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ConfigError } from "../errors.ts";
import { didYouMean, type Finding, isRecord, type Path, validator } from "../schema.ts";
import { accept, readYaml, type YamlDocument } from "../yaml.ts";
import { kubeconfigSchema } from "./kubeconfig-schema.ts";

/** How to talk with a cluster, by what a kubeconfig says in plain words: nothing that it names is ever run. */
export interface Kubeconfig {
  /** Absolute path of the file. */
  readonly file: string;
  /** Names in the file. */
  readonly cluster: string;
  readonly user: string;
  /** URL of the API server. */
  readonly server: string;
  /** PEM. Default: the authorities that this machine trusts. */
  readonly ca: string | undefined;
  /** True: the server's certificate is not looked at. */
  readonly insecure: boolean;
  readonly tlsServerName: string | undefined;
  readonly proxyUrl: string | undefined;
  readonly credentials: Credentials;
}

/** A client certificate and its key (PEM), or a token. */
export type Credentials = { readonly certificate: string; readonly key: string } | { readonly token: string };

type Fields = Readonly<Record<string, unknown>>;

interface Raw {
  readonly "current-context"?: string;
  readonly clusters: readonly {
    readonly name: string;
    readonly cluster: Fields & { readonly server: string };
  }[];
  readonly contexts: readonly {
    readonly name: string;
    readonly context: { readonly cluster: string; readonly user: string };
  }[];
  readonly users: readonly { readonly name: string; readonly user: Fields }[];
}

/**
 * Reads a kubeconfig. Files that it names are read, relative to its folder; programs that it names are not run.
 * @param context Default: its current one.
 * @throws ConfigError with the place of what is wrong, a credential helper (`exec`, `auth-provider`) included, unless
 * there is a certificate or token beside it.
 */
export async function loadKubeconfig(file: string, context?: string): Promise<Kubeconfig> {
  const document = await readYaml(file);
  const { value } = document;
  if (!isRecord(value) || value.kind !== "Config")
    throw oneProblem(document, [], "this is no kubeconfig: its `kind` is not Config");
  const validate = await validator();
  const raw = accept<Raw>(document, validate(kubeconfigSchema, value));
  return chosen(document, raw, context);
}

async function chosen(document: YamlDocument, raw: Raw, wanted: string | undefined): Promise<Kubeconfig> {
  const context = find(document, raw.contexts, wanted ?? raw["current-context"] ?? "", "context", [
    "current-context",
  ]);
  const path = ["contexts", context.index, "context"];
  const cluster = find(document, raw.clusters, context.item.context.cluster, "cluster", [...path, "cluster"]);
  const user = find(document, raw.users, context.item.context.user, "user", [...path, "user"]);
  const clusterPath = ["clusters", cluster.index, "cluster"];
  const fields = cluster.item.cluster;
  return {
    file: resolve(document.file),
    cluster: cluster.item.name,
    user: user.item.name,
    server: fields.server,
    ca: await contentOf(document, fields, "certificate-authority", clusterPath),
    insecure: fields["insecure-skip-tls-verify"] === true,
    tlsServerName: fields["tls-server-name"] as string | undefined,
    proxyUrl: fields["proxy-url"] as string | undefined,
    credentials: await credentialsOf(document, user.item, ["users", user.index]),
  };
}

function find<Item extends { readonly name: string }>(
  document: YamlDocument,
  items: readonly Item[],
  name: string,
  what: string,
  path: Path,
): { readonly item: Item; readonly index: number } {
  const index = items.findIndex((item) => item.name === name);
  const item = items[index];
  if (item !== undefined) return { item, index };
  const names = items.map((each) => each.name);
  const message =
    name === ""
      ? `no ${what} is chosen; there are ${names.join(", ")}`
      : `unknown ${what} \`${name}\`${didYouMean(name, names)}`;
  throw oneProblem(document, path, message);
}

async function credentialsOf(
  document: YamlDocument,
  { name, user }: Raw["users"][number],
  path: Path,
): Promise<Credentials> {
  const at = [...path, "user"];
  const certificate = await contentOf(document, user, "client-certificate", at);
  const key = await contentOf(document, user, "client-key", at);
  if (certificate !== undefined && key !== undefined) {
    const wrong = (name: string) =>
      oneProblem(
        document,
        [...at, `${name}-data` in user ? `${name}-data` : name],
        `\`${name}\` cannot be read as one`,
      );
    if (!isReadable(() => new X509Certificate(certificate))) throw wrong("client-certificate");
    if (!isReadable(() => createPrivateKey(key))) throw wrong("client-key");
    return { certificate, key };
  }
  if (typeof user.token === "string") return { token: user.token };
  if (typeof user.tokenFile === "string")
    return { token: (await fileNamed(document, user.tokenFile, [...at, "tokenFile"])).trim() };
  const helper = ["exec", "auth-provider"].find((each) => Object.hasOwn(user, each));
  if (helper !== undefined)
    throw oneProblem(
      document,
      [...at, helper],
      `the user \`${name}\` gets its credentials from a program (\`${helper}\`), and kbreak runs none that a kubeconfig names; take one with a certificate or a token, such as a control plane node's /etc/kubernetes/admin.conf`,
    );
  throw oneProblem(
    document,
    at,
    `the user \`${name}\` has neither a client certificate with its key nor a token`,
  );
}

function isReadable(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}

/** What a field holds: in base64 itself (`x-data`), or in the file that it names (`x`). */
async function contentOf(
  document: YamlDocument,
  fields: Fields,
  name: string,
  path: Path,
): Promise<string | undefined> {
  const data = fields[`${name}-data`];
  if (typeof data === "string") {
    const content = Buffer.from(data, "base64").toString("utf8");
    if (content.includes("-----BEGIN ")) return content;
    throw oneProblem(document, [...path, `${name}-data`], `\`${name}-data\` is no PEM in base64`);
  }
  const file = fields[name];
  return typeof file === "string" ? fileNamed(document, file, [...path, name]) : undefined;
}

async function fileNamed(document: YamlDocument, file: string, path: Path): Promise<string> {
  const absolute = resolve(dirname(document.file), file);
  try {
    return await readFile(absolute, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : code;
    throw oneProblem(document, path, `${absolute} cannot be read: ${why}`);
  }
}

function oneProblem(document: YamlDocument, path: Path, message: string): ConfigError {
  const finding: Finding = { path, at: "value", message };
  return new ConfigError(document.problems([finding]));
}
