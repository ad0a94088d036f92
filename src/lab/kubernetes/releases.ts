const kubernetes = "v1.37.1";
const containerd = "2.4.2";
const cni = "v1.9.1";
const etcd = "v3.7.0";
const crictl = "v1.36.0";
const coredns = "1.14.6";

/** A file of a release, and the file beside it that tells its SHA-256. */
export interface ReleaseFile {
  readonly url: string;
  /** Holds the digest alone, or lines `DIGEST  NAME`. */
  readonly sums: string;
  /** The files of it that are wanted: path in the archive → path in the folder of programs. */
  readonly members: Readonly<Record<string, string>>;
  /** Absent: it is the program itself. */
  readonly archive?: true;
}

const github = "https://github.com";
const bin = (names: readonly string[], folder: string) =>
  Object.fromEntries(names.map((name) => [`${folder}${name}`, `bin/${name}`]));

const kubernetesFile = (name: string): ReleaseFile => {
  const url = `https://dl.k8s.io/release/${kubernetes}/bin/linux/amd64/${name}`;
  return { url, sums: `${url}.sha256`, members: { [name]: `bin/${name}` } };
};

const archive = (url: string, sums: string, members: Readonly<Record<string, string>>): ReleaseFile => ({
  url,
  sums,
  members,
  archive: true,
});

const etcdRelease = `${github}/etcd-io/etcd/releases/download/${etcd}`;
const etcdName = `etcd-${etcd}-linux-amd64`;
const cniUrl = `${github}/containernetworking/plugins/releases/download/${cni}/cni-plugins-linux-amd64-${cni}.tgz`;
const containerdUrl = `${github}/containerd/containerd/releases/download/v${containerd}/containerd-${containerd}-linux-amd64.tar.gz`;
const crictlUrl = `${github}/kubernetes-sigs/cri-tools/releases/download/${crictl}/crictl-${crictl}-linux-amd64.tar.gz`;
const corednsUrl = `${github}/coredns/coredns/releases/download/v${coredns}/coredns_${coredns}_linux_amd64.tgz`;

/** The name of the folder of these releases in the cache. */
export const releaseName = `release-${kubernetes.replaceAll(".", "-")}`;

/** The official releases of all programs, with etcd and CoreDNS as this kubeadm wants them. */
export const releases: readonly ReleaseFile[] = [
  ...[
    ...["kubeadm", "kubelet", "kubectl", "kube-apiserver", "kube-controller-manager", "kube-scheduler"],
    "kube-proxy",
  ].map(kubernetesFile),
  archive(
    containerdUrl,
    `${containerdUrl}.sha256sum`,
    bin(["containerd", "containerd-shim-runc-v2", "ctr"], "bin/"),
  ),
  archive(
    `${etcdRelease}/${etcdName}.tar.gz`,
    `${etcdRelease}/SHA256SUMS`,
    bin(["etcd", "etcdctl", "etcdutl"], `${etcdName}/`),
  ),
  archive(crictlUrl, `${crictlUrl}.sha256`, bin(["crictl"], "")),
  archive(corednsUrl, `${corednsUrl}.sha256`, bin(["coredns"], "")),
  archive(
    cniUrl,
    `${cniUrl}.sha256`,
    Object.fromEntries(
      ["bridge", "host-local", "loopback", "portmap"].map((name) => [`./${name}`, `cni/${name}`]),
    ),
  ),
];
