import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../src/lab/command.ts";
import { imageFolder } from "../../src/lab/image/image.ts";
import { archivesFor } from "../../src/lab/kubernetes/container-images.ts";
import { archivesFolder, ensureProgramImage, programsRoot } from "../../src/lab/kubernetes/program-image.ts";
import { cachedPrograms } from "../../src/lab/kubernetes/programs.ts";
import { type TreeEntry, writeTree } from "../../src/lab/tree.ts";
import type { Engine } from "./engine.ts";
import { kindSource } from "./programs.ts";

/** The name of the image that {@link makeNodeImage} makes. */
export const nodeImage = "kindest/node:ours";

/** kubeadm pulls what is not there: the kubelet begins when all is. */
const imports = `[Unit]
Wants=containerd.service
After=containerd.service
Before=kubelet.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'for file in /kind/images/*.tar; do ctr -n k8s.io images import --local "$file"; done'

[Install]
WantedBy=multi-user.target
`;

/** In the place of kind's own network, whose image is not to be had. */
const network = JSON.stringify({
  cniVersion: "1.0.0",
  name: "pods",
  plugins: [
    {
      type: "bridge",
      bridge: "cni0",
      isGateway: true,
      ipam: { type: "host-local", ranges: [[{ subnet: "10.244.0.0/24" }]], routes: [{ dst: "0.0.0.0/0" }] },
    },
  ],
});

/** What the kubelet sets is the whole kernel's, and so is the log that it reads: files of the node's own come before them. */
const entrypoint = `#!/bin/bash
set -e
mkdir -p /kind/sysctls
for one in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \\
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file=/kind/sysctls/$(echo "\${one%=*}" | tr / .)
  echo "\${one#*=}" >"$file"
  mount --bind "$file" "/proc/sys/\${one%=*}"
done
rm -f /dev/kmsg
mknod -m 600 /dev/kmsg c 1 3
exec /usr/local/bin/kind-entrypoint "$@"
`;

const text = (path: string, content: string, mode = 0o644): TreeEntry => ({ path, mode, content });
const masked = (unit: string): TreeEntry => ({ path: `/etc/systemd/system/${unit}`, target: "/dev/null" });

/** Root may lack CAP_SYS_RESOURCE, and this host cgroup2's controllers. */
const kubelet = "--fail-cgroupv1=false --oom-score-adj=0 --max-open-files=20000";

const entries = (version: string): readonly TreeEntry[] => [
  text("/kind/version", version),
  text(
    "/kind/manifests/default-cni.yaml",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: pod-network, namespace: kube-system}\n",
  ),
  text(
    "/kind/manifests/default-storage.yaml",
    "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: standard}\nprovisioner: kubernetes.io/no-provisioner\n",
  ),
  text("/etc/cni/net.d/10-pods.conflist", network),
  text(
    "/etc/default/kubelet",
    `KUBELET_EXTRA_ARGS=--runtime-cgroups=/system.slice/containerd.service ${kubelet}\n`,
  ),
  text("/usr/local/bin/entrypoint", entrypoint, 0o755),
  text("/etc/systemd/system/images.service", imports),
  {
    path: "/etc/systemd/system/multi-user.target.wants/images.service",
    target: "/etc/systemd/system/images.service",
  },
  masked("pod-routes.service"),
  masked("ssh.service"),
];

/** Makes an image of kind's nodes of the lab's own root and Kubernetes, with kind's own entrypoint and units. */
export async function makeNodeImage(engine: Engine): Promise<void> {
  const { folder, version } = await ensureProgramImage(cachedPrograms() ?? "", () => {});
  const files = join(await kindSource(), "images/base/files");
  const own = mkdtempSync(join(tmpdir(), "kbreak-node-"));
  try {
    const images = join(own, "kind/images");
    mkdirSync(images, { recursive: true });
    await run(["cp", ...archivesFor(archivesFolder(folder), "control-plane", false), images]);
    await run(["cp", "-r", "--no-preserve=mode", join(files, "kind"), own]);
    await run(["sh", "-c", 'chmod 755 "$0" "$0"/kind "$0"/kind/bin "$0"/kind/bin/*', own]);
    const install = (mode: string, from: string, to: string) =>
      run(["install", "-D", "-m", mode, join(files, from), join(own, to)]);
    await install("755", "usr/local/bin/entrypoint", "usr/local/bin/kind-entrypoint");
    const unit = "etc/systemd/system/kubelet.service.d/11-kind.conf";
    await install("644", unit, unit);
    writeTree(own, entries(version));
    await engine.image(
      [imageFolder(), programsRoot(folder), own],
      nodeImage,
      'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]',
      "ENV container=docker",
    );
  } finally {
    rmSync(own, { recursive: true });
  }
}
