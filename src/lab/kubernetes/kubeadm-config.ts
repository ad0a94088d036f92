import type { LabNode } from "../nodes.ts";

const token = "abcdef.0123456789abcdef";
const socket = "unix:///run/containerd/containerd.sock";

const registration = (node: LabNode) =>
  `nodeRegistration: {name: ${node.name}, criSocket: "${socket}", imagePullPolicy: Never}`;

/**
 * What was crashing because of a break is back ten seconds after the break is gone, and not five minutes. Kubelets before
 * 1.35 refuse to hear of it.
 */
function restarts(version: string): string {
  const minor = Number(/^v1\.(\d+)\./.exec(version)?.[1]);
  return minor < 35 ? "" : "\ncrashLoopBackOff: {maxContainerRestartPeriod: 10s}";
}

/** What `kubeadm init` is told on the first control plane. @param version Of Kubernetes, such as `v1.37.1`. */
export const initConfig = (node: LabNode, version: string): string => `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens: [{token: ${token}, ttl: 0s}]
# A kubelet that does not run after a minute does not run after the four that are the default either.
timeouts: {kubeletHealthCheck: 1m0s}
localAPIEndpoint: {advertiseAddress: ${node.address}, bindPort: 6443}
${registration(node)}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: ${version}
networking: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/12}
apiServer: {certSANs: [127.0.0.1, localhost]}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
failCgroupV1: false
# Where root lacks CAP_SYS_RESOURCE, these can be neither lowered nor raised.
oomScoreAdj: 0
maxOpenFiles: 20000
# Images are not pulled, so one that is cleared away is gone.
imageGCHighThresholdPercent: 100
# A changed ConfigMap is in its pods after ten seconds, and not after a minute and a half.
syncFrequency: 10s
evictionHard: {memory.available: 50Mi, nodefs.available: 3%, imagefs.available: 3%}${restarts(version)}
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
# These are sysctls of the whole kernel, which a node cannot write.
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`;

/** What `kubeadm join` is told on a worker. @param first The control plane that `init` ran on. */
export const joinConfig = (node: LabNode, first: LabNode): string => `apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken: {token: ${token}, apiServerEndpoint: "${first.address}:6443", unsafeSkipCAVerification: true}
${registration(node)}
`;
