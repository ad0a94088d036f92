import type { Hierarchy } from "../host/hierarchies.ts";
import type { InitParts } from "../namespace/init-script.ts";
import { plainParts } from "../namespace/init-script.ts";

/** Sysctls of the host that the kubelet sets where they have other values, and which those are. */
const kubeletSysctls: readonly (readonly [path: string, value: number])[] = [
  ["vm/overcommit_memory", 1],
  ["vm/panic_on_oom", 0],
  ["kernel/panic", 10],
  ["kernel/panic_on_oops", 1],
  ["kernel/keys/root_maxkeys", 1_000_000],
  ["kernel/keys/root_maxbytes", 25_000_000],
];

// Files of the node's own in front of those of the kernel: nothing reaches the host, and what the kubelet finds is
// what it wants. Its capacity is what its processes may have together, not what the host has.
function ownProc(memory: number): string {
  const kilobytes = Math.floor(memory / 1024);
  return [
    ...kubeletSysctls.map(([path, value]) => {
      const file = path.replaceAll("/", ".");
      return `echo ${value} >run/${file} && mount --bind run/${file} proc/sys/${path}`;
    }),
    `awk -v kb=${kilobytes} '/^Mem(Total|Free|Available):/ { $0 = sprintf("%-16s%8d kB", $1, kb) } 1' /proc/meminfo >run/meminfo`,
    "mount --bind run/meminfo proc/meminfo",
  ].join("\n");
}

// Where a controller is in a hierarchy of cgroup v1, cgroup2 does not have it; systemd knows this mixture.
function mixedCgroups(hierarchies: readonly Hierarchy[]): string {
  const options = "rw,nosuid,nodev,noexec";
  return [
    "mount -t tmpfs -o mode=755,nosuid,nodev,noexec,size=1m tmpfs sys/fs/cgroup",
    "mkdir sys/fs/cgroup/unified",
    `mount -t cgroup2 -o ${options} cgroup2 sys/fs/cgroup/unified`,
    ...hierarchies.flatMap(({ name, options: own }) => [
      `mkdir sys/fs/cgroup/${name}`,
      `mount -t cgroup -o ${options},${own} cgroup sys/fs/cgroup/${name}`,
    ]),
  ].join("\n");
}

/**
 * What a node needs for the kubelet and containerd.
 * @param memory What it has, in bytes.
 * @param hierarchies Those of cgroup v1 of this host.
 */
export function kubernetesParts(memory: number, hierarchies: readonly Hierarchy[]): InitParts {
  return {
    // Overlay file systems, of which containerd's containers are made, do not work on top of one.
    disk: "mount --bind ../rw/containerd var/lib/containerd",
    proc: ownProc(memory),
    cgroups: hierarchies.length === 0 ? plainParts.cgroups : mixedCgroups(hierarchies),
    // The kubelet must open it; what the host's kernel says is not for the node.
    devices: "mknod -m 600 dev/kmsg c 1 3",
    // The kubelet and containerd mount for their containers; systemd makes this so, but not in a container.
    last: "mount --make-rshared /",
  };
}
