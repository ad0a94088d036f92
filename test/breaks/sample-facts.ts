import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Facts } from "../../src/facts.ts";
import { ensureCluster } from "../../src/lab/kubeadm/cluster.ts";
import { kubeadmFiles } from "../../src/lab/kubeadm/files.ts";
import type { LabNode } from "../../src/lab/nodes.ts";
import { sampleObjects } from "./sample-objects.ts";

const pki = "/etc/kubernetes/pki/etcd";

/** What kbreak would read of a control plane that kubeadm made: with the programs that breaks ask for, and with all files of kubeadm's. */
export async function sampleFacts(): Promise<Facts> {
  const node: LabNode = { name: "cp1", role: "control-plane", address: "10.77.0.11" };
  const folder = mkdtempSync(join(tmpdir(), "kbreak-sample-"));
  const entries = await kubeadmFiles(await ensureCluster(folder), node, node);
  rmSync(folder, { recursive: true });
  const files = entries.flatMap((entry) =>
    "content" in entry ? [[entry.path, entry.content] as const] : [],
  );
  return {
    machineId: "0123456789abcdef0123456789abcdef",
    authorities: [],
    bootId: "01234567-89ab-cdef-0123-456789abcdef",
    hostname: node.name,
    distribution: { id: "debian", version: "13", name: "Debian GNU/Linux 13 (trixie)" },
    kernel: "6.12.0",
    ownKernel: true,
    roles: ["control-plane"],
    programs: Object.fromEntries(
      ["chmod", "crictl", "kubeadm", "kubectl", "perl"].map((name) => [name, `/usr/bin/${name}`]),
    ),
    activeUnits: ["kubelet.service", "containerd.service", "etcd.service", "cron.service", "atd.service"],
    etcd: {
      runs: "systemd",
      client: {
        via: "host",
        endpoint: "https://127.0.0.1:2379",
        cacert: `${pki}/ca.crt`,
        cert: `${pki}/healthcheck-client.crt`,
        key: `${pki}/healthcheck-client.key`,
      },
      settings: "/etc/default/etcd",
      unit: "etcd.service",
      bytes: 20 * 1024 * 1024,
    },
    device: "eth0",
    gateway: "10.77.0.1",
    sshPort: 22,
    spare: [22],
    apiAnswers: true,
    objects: sampleObjects,
    files: {
      "/etc/hosts": `127.0.0.1 localhost\n${node.address} ${node.name}\n`,
      ...Object.fromEntries(files),
    },
  };
}
