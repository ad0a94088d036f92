import type { LabNode } from "../nodes.ts";
import type { TreeEntry } from "../tree.ts";
import type { Credential, Subject } from "./certificates.ts";
import { issue } from "./certificates.ts";
import type { Cluster } from "./cluster.ts";
import { etcdEnvironment } from "./etcd.ts";
import { kubeconfig } from "./kubeconfig.ts";
import { cniConfig, kubeletConfig, kubeletFlags } from "./kubelet.ts";
import { manifests } from "./manifests.ts";

const pki = "/etc/kubernetes/pki";
const publicFile = (path: string, content: string): TreeEntry => ({ path, content, mode: 0o644 });
const secretFile = (path: string, content: string): TreeEntry => ({ path, content, mode: 0o600 });

/** The two files of a credential, with kubeadm's names and modes. */
function pair(name: string, { certificate, key }: Credential): readonly TreeEntry[] {
  return [publicFile(`${pki}/${name}.crt`, certificate), secretFile(`${pki}/${name}.key`, key)];
}

async function certificates(cluster: Cluster, node: LabNode): Promise<readonly TreeEntry[]> {
  const names = [node.name, "localhost"];
  const addresses = [node.address, "127.0.0.1", "::1"];
  const service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"];
  const apiServer: Subject = {
    commonName: "kube-apiserver",
    names: [node.name, ...service, "kubernetes.default.svc.cluster.local"],
    addresses: ["10.96.0.1", node.address],
    usage: ["server"],
  };
  const admins = "kubeadm:cluster-admins";
  const member: Subject = { commonName: node.name, names, addresses, usage: ["server", "client"] };
  const client = (commonName: string, organisation?: string): Subject => ({
    commonName,
    usage: ["client"],
    ...(organisation === undefined ? {} : { organisation }),
  });
  const issued = await Promise.all(
    (
      [
        ["apiserver", cluster.ca, apiServer],
        ["apiserver-kubelet-client", cluster.ca, client("kube-apiserver-kubelet-client", admins)],
        ["front-proxy-client", cluster.frontProxyCa, client("front-proxy-client")],
        ["apiserver-etcd-client", cluster.etcdCa, client("kube-apiserver-etcd-client")],
        ["etcd/server", cluster.etcdCa, member],
        ["etcd/peer", cluster.etcdCa, member],
        ["etcd/healthcheck-client", cluster.etcdCa, client("kube-etcd-healthcheck-client")],
      ] as const
    ).map(async ([name, authority, subject]) => pair(name, await issue(authority, subject))),
  );
  return [
    ...pair("ca", cluster.ca),
    ...pair("front-proxy-ca", cluster.frontProxyCa),
    ...pair("etcd/ca", cluster.etcdCa),
    ...issued.flat(),
    secretFile(`${pki}/sa.key`, cluster.serviceAccounts.privateKey),
    secretFile(`${pki}/sa.pub`, cluster.serviceAccounts.publicKey),
  ];
}

async function controlPlane(cluster: Cluster, node: LabNode, first: LabNode): Promise<readonly TreeEntry[]> {
  const config = async (user: string, organisation?: string) =>
    kubeconfig({
      server: `https://${node.address}:6443`,
      ca: cluster.ca.certificate,
      user,
      credential: await issue(cluster.ca, {
        commonName: user,
        usage: ["client"],
        ...(organisation === undefined ? {} : { organisation }),
      }),
    });
  const admin = await config("kubernetes-admin", "kubeadm:cluster-admins");
  // kubeadm gives it to the node that it started the cluster on, and to no other.
  const superAdmin =
    node.name === first.name
      ? [
          secretFile(
            "/etc/kubernetes/super-admin.conf",
            await config("kubernetes-super-admin", "system:masters"),
          ),
        ]
      : [];
  return [
    secretFile("/etc/kubernetes/admin.conf", admin),
    ...superAdmin,
    secretFile("/etc/kubernetes/controller-manager.conf", await config("system:kube-controller-manager")),
    secretFile("/etc/kubernetes/scheduler.conf", await config("system:kube-scheduler")),
    ...(await certificates(cluster, node)),
    ...Object.entries(manifests(node.name, node.address)).map(([name, content]) =>
      secretFile(`/etc/kubernetes/manifests/${name}`, content),
    ),
    { path: "/root/.kube", folder: true, mode: 0o755 },
    secretFile("/root/.kube/config", admin),
    { path: "/var/lib/etcd", folder: true, mode: 0o700 },
    publicFile("/etc/default/etcd", etcdEnvironment(node.name, node.address)),
    {
      path: "/etc/systemd/system/multi-user.target.wants/etcd.service",
      target: "/usr/lib/systemd/system/etcd.service",
    },
  ];
}

async function kubelet(cluster: Cluster, node: LabNode, first: LabNode): Promise<readonly TreeEntry[]> {
  const user = `system:node:${node.name}`;
  const [client, server] = await Promise.all([
    issue(cluster.ca, { commonName: user, organisation: "system:nodes", usage: ["client"] }),
    issue(cluster.ca, { commonName: user, names: [node.name], usage: ["server"] }),
  ]);
  const folder = "/var/lib/kubelet/pki";
  const current = `${folder}/kubelet-client-current.pem`;
  const dated = `${folder}/kubelet-client-${new Date().toISOString().slice(0, 19).replace(/[T:]/g, "-")}.pem`;
  const api = node.role === "control-plane" ? node : first;
  return [
    secretFile(
      "/etc/kubernetes/kubelet.conf",
      kubeconfig({
        server: `https://${api.address}:6443`,
        ca: cluster.ca.certificate,
        user,
        credential: current,
      }),
    ),
    publicFile("/var/lib/kubelet/config.yaml", kubeletConfig),
    publicFile("/var/lib/kubelet/kubeadm-flags.env", kubeletFlags),
    secretFile(dated, `${client.certificate}${client.key}`),
    { path: current, target: dated },
    publicFile(`${folder}/kubelet.crt`, server.certificate),
    secretFile(`${folder}/kubelet.key`, server.key),
  ];
}

/** All that kubeadm leaves on a node, as far as it goes without Kubernetes. `first` is the node that `init` ran on. */
export async function kubeadmFiles(
  cluster: Cluster,
  node: LabNode,
  first: LabNode,
): Promise<readonly TreeEntry[]> {
  const podSubnet = `10.244.${node.address.split(".")[3]}.0/24`;
  const folder = (path: string, mode: number): TreeEntry => ({ path, folder: true, mode });
  return [
    folder("/etc/kubernetes", 0o755),
    folder("/etc/kubernetes/manifests", 0o755),
    folder(pki, 0o755),
    folder("/var/lib/kubelet", 0o750),
    folder("/var/lib/kubelet/pki", 0o755),
    ...(node.role === "control-plane" ? [folder(`${pki}/etcd`, 0o755)] : []),
    ...(node.role === "control-plane"
      ? await controlPlane(cluster, node, first)
      : [publicFile(`${pki}/ca.crt`, cluster.ca.certificate)]),
    ...(await kubelet(cluster, node, first)),
    publicFile("/etc/cni/net.d/10-lab.conflist", cniConfig(podSubnet, true)),
  ];
}
