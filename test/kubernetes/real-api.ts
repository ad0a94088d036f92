import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { type Client, clientOf } from "../../src/kubernetes/client.ts";
import { loadKubeconfig } from "../../src/kubernetes/kubeconfig.ts";
import { type Authority, issue, makeAuthority, makeKeyPair } from "../../src/lab/kubeadm/certificates.ts";
import { kubeconfig } from "../../src/lab/kubeadm/kubeconfig.ts";
import { freePort } from "../../src/lab/ports.ts";

/** etcd and kube-apiserver, and nothing else of a cluster. */
export interface RealApi {
  readonly url: string;
  readonly ca: Authority;
  /** A member of system:masters. */
  readonly admin: Client;
  /** A kubeconfig for this user; gives its path. */
  config(commonName: string, organisation?: string, authority?: Authority): Promise<string>;
  /** Ends the API server, and then all of it. */
  stop(): Promise<void>;
  end(): Promise<void>;
}

/** @param programs The folder with both programs. */
export async function startRealApi(programs: string): Promise<RealApi> {
  const folder = mkdtempSync(join(tmpdir(), "kbreak-api-"));
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  const start = (name: string, args: readonly string[]) => {
    const log = openSync(join(folder, `${name}.log`), "w");
    return spawn(join(programs, name), args, { cwd: folder, stdio: ["ignore", log, log] });
  };
  const client = await freePort(folder, new Set());
  const peer = await freePort(folder, new Set([client]));
  const secure = await freePort(folder, new Set([client, peer]));
  const etcd = start("etcd", [
    `--data-dir=${join(folder, "etcd")}`,
    `--listen-client-urls=http://127.0.0.1:${client}`,
    `--advertise-client-urls=http://127.0.0.1:${client}`,
    `--listen-peer-urls=http://127.0.0.1:${peer}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
    `--initial-cluster=default=http://127.0.0.1:${peer}`,
    "--unsafe-no-fsync",
  ]);
  const ca = await makeAuthority("kubernetes");
  const server = await issue(ca, {
    commonName: "kube-apiserver",
    addresses: ["127.0.0.1"],
    usage: ["server"],
  });
  const accounts = await makeKeyPair();
  const api = start("kube-apiserver", [
    `--etcd-servers=http://127.0.0.1:${client}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${secure}`,
    `--tls-cert-file=${file("server.crt", server.certificate)}`,
    `--tls-private-key-file=${file("server.key", server.key)}`,
    `--client-ca-file=${file("ca.crt", ca.certificate)}`,
    `--service-account-key-file=${file("sa.pub", accounts.publicKey)}`,
    `--service-account-signing-key-file=${file("sa.key", accounts.privateKey)}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--authorization-mode=Node,RBAC",
    "--disable-admission-plugins=ServiceAccount",
    "--endpoint-reconciler-type=none",
  ]);
  const url = `https://127.0.0.1:${secure}`;
  const config: RealApi["config"] = async (commonName, organisation, authority = ca) => {
    const subject = organisation === undefined ? { commonName } : { commonName, organisation };
    const credential = await issue(authority, { ...subject, usage: ["client"] });
    return file(
      `${commonName}.conf`,
      kubeconfig({ server: url, ca: ca.certificate, user: commonName, credential }),
    );
  };
  const end = async () => {
    await ended(api);
    await ended(etcd);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const admin = await clientOf(await loadKubeconfig(await config("admin", "system:masters")));
    await vi.waitFor(
      async () => {
        if (api.exitCode !== null) throw new Error("kube-apiserver has ended");
        await admin.ask("read a namespace", (core) => core.readNamespace({ name: "default" }));
      },
      { timeout: 90_000, interval: 300 },
    );
    return { url, ca, admin, config, stop: () => ended(api), end };
  } catch (error) {
    const log = readFileSync(join(folder, "kube-apiserver.log"), "utf8").split("\n").slice(-15).join("\n");
    await end();
    throw new Error(`kube-apiserver is not ready: ${log}`, { cause: error });
  }
}

/** Nothing of it is needed any more. */
function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("close", () => resolve());
    child.kill("SIGKILL");
  });
}
