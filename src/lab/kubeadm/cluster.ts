import { join } from "node:path";
import { readIfThere, writeWhole } from "../file.ts";
import type { Authority, Credential } from "./certificates.ts";
import { loadAuthority, makeAuthority, makeKeyPair } from "./certificates.ts";

/** What the nodes of a cluster share: its authorities and the key that signs service account tokens (PEM). */
export interface Cluster {
  readonly ca: Authority;
  readonly etcdCa: Authority;
  readonly frontProxyCa: Authority;
  readonly serviceAccounts: { readonly privateKey: string; readonly publicKey: string };
}

type Saved = Readonly<Record<"ca" | "etcdCa" | "frontProxyCa", Credential>> &
  Pick<Cluster, "serviceAccounts">;

async function make(): Promise<Cluster> {
  const [ca, etcdCa, frontProxyCa, serviceAccounts] = await Promise.all([
    makeAuthority("kubernetes"),
    makeAuthority("etcd-ca"),
    makeAuthority("front-proxy-ca"),
    makeKeyPair(),
  ]);
  return { ca, etcdCa, frontProxyCa, serviceAccounts };
}

/** The cluster of the lab in `folder`; made and saved there the first time, so that later nodes join the same. */
export async function ensureCluster(folder: string): Promise<Cluster> {
  const file = join(folder, "cluster.json");
  const text = readIfThere(file);
  if (text === undefined) {
    const cluster = await make();
    // The signing keys are no JSON, but each has its PEM beside it.
    writeWhole(
      file,
      JSON.stringify(cluster, (name, value) => (name === "signingKey" ? undefined : value)),
    );
    return cluster;
  }
  const saved: Saved = JSON.parse(text);
  const [ca, etcdCa, frontProxyCa] = await Promise.all([
    loadAuthority(saved.ca),
    loadAuthority(saved.etcdCa),
    loadAuthority(saved.frontProxyCa),
  ]);
  return { ca, etcdCa, frontProxyCa, serviceAccounts: saved.serviceAccounts };
}
