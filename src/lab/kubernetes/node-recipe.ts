import { gateway } from "../nodes.ts";
import type { TreeEntry } from "../tree.ts";

/** Debian packages that nodes have parts of beside those of the base image. */
export const nodePackages = ["runc"] as const;

// What differs from containerd's own configuration: root may lack CAP_SYS_RESOURCE, without which nobody lowers an
// OOM score, and systemd has no cgroups of containers, as the kubelet makes them by itself.
const containerd = (pause: string) => `version = 3
oom_score = 0

[plugins.'io.containerd.cri.v1.images']
  snapshotter = 'overlayfs'
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = '${pause}'

[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ['/opt/cni/bin']
    conf_dir = '/etc/cni/net.d'
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = 'runc'
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = 'io.containerd.runc.v2'
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        BinaryName = '/usr/sbin/runc'
        SystemdCgroup = false
`;

// As containerd's own, without the limits that need CAP_SYS_RESOURCE.
const containerdUnit = `[Unit]
Description=containerd container runtime
Documentation=https://containerd.io
After=network.target local-fs.target

[Service]
ExecStart=/usr/bin/containerd
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=5
TasksMax=infinity

[Install]
WantedBy=multi-user.target
`;

// The next two as Kubernetes' own packages have them; a restart comes after 2 s instead of 10.
const kubeletUnit = `[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target containerd.service

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=2

[Install]
WantedBy=multi-user.target
`;

const kubeadmDropIn = `[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`;

const routesUnit = `[Unit]
Description=Routes to the pods of other nodes
DefaultDependencies=no
After=systemd-sysctl.service
Before=kubelet.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/ip -batch /etc/pod-routes

[Install]
WantedBy=multi-user.target
`;

const unit = (name: string, content: string): readonly TreeEntry[] => [
  { path: `/etc/systemd/system/${name}`, mode: 0o644, content },
  { path: `/etc/systemd/system/multi-user.target.wants/${name}`, target: `/etc/systemd/system/${name}` },
];

/** Put on nodes on top of the base image, beside the programs. @param pause The name of the pods' own image. */
export const nodeEntries = (pause: string): readonly TreeEntry[] => [
  { path: "/etc/containerd/config.toml", mode: 0o644, content: containerd(pause) },
  {
    path: "/etc/crictl.yaml",
    mode: 0o644,
    content: "runtime-endpoint: unix:///run/containerd/containerd.sock\n",
  },
  { path: "/etc/kubernetes/manifests", folder: true, mode: 0o755 },
  // CoreDNS wants a server to ask. Nobody serves there, and the network says so at once.
  { path: "/etc/resolv.conf", mode: 0o644, content: `nameserver ${gateway}\n` },
  { path: "/root", folder: true, mode: 0o700 },
  { path: "/root/.kube/config", target: "/etc/kubernetes/admin.conf" },
  { path: "/var/lib/containerd", folder: true, mode: 0o711 },
  ...unit("containerd.service", containerdUnit),
  ...unit("kubelet.service", kubeletUnit),
  { path: "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", mode: 0o644, content: kubeadmDropIn },
  ...unit("pod-routes.service", routesUnit),
];
