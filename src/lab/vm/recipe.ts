import type { TreeEntry } from "../tree.ts";

/** Debian packages that are unpacked for a virtual machine: its kernel, and a static shell to find its disk with. */
export const machinePackages = ["linux-image-cloud-amd64", "busybox-static"] as const;

/** What the first file system needs to reach the disk, and what the node's network needs before anything runs. */
export const earlyModules = ["virtio_pci", "virtio_blk", "virtio_net", "virtio_rng", "ext4"] as const;

export const diskSize = "4G";

/**
 * Brings up the node's network: arguments are address with prefix length, and gateway. The same at a cold start and
 * after a restored state, so that a node looks the same after both.
 */
const network = `#!/bin/sh
# Without a link-local address nothing of the node's network changes by itself after the start.
echo 1 >/proc/sys/net/ipv6/conf/eth0/addr_gen_mode
ip link set eth0 up
ip addr add "$1" dev eth0
ip route add default via "$2"
`;

/** Process 1 of the first file system: finds the disk, brings up the network that the host gives, starts systemd. */
export const earlyInit = (modules: readonly string[]): string => `#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in ${modules.join(" ")}; do insmod "/modules/$module"; done
tries=0
while [ ! -b /dev/vda ] && [ "$tries" -lt 200 ]; do sleep 0.05; tries=$((tries + 1)); done
mount -t ext4 -o rw,noatime /dev/vda /root || exec sh
for word in $(cat /proc/cmdline); do
  case $word in node.address=*) address=\${word#*=} ;; node.gateway=*) gateway=\${word#*=} ;; esac
done
[ -z "$address" ] || sh /network "$address" "$gateway"
exec switch_root /root /sbin/init
`;

export const earlyFiles: readonly TreeEntry[] = [
  ...["dev", "proc", "sys", "root"].map((name) => ({ path: `/${name}`, folder: true, mode: 0o755 }) as const),
  { path: "/network", mode: 0o755, content: network },
];

// Under emulation every unit costs a tenth of a second; on a machine without udev, graphics or a second disk these do
// nothing.
const masked = [
  "dev-hugepages.mount",
  "dev-mqueue.mount",
  "getty@tty1.service",
  "ldconfig.service",
  "modprobe@.service",
  "proc-sys-fs-binfmt_misc.automount",
  "sys-fs-fuse-connections.mount",
  "sys-kernel-config.mount",
  "sys-kernel-debug.mount",
  "sys-kernel-tracing.mount",
  "systemd-binfmt.service",
  "systemd-firstboot.service",
  "systemd-journal-catalog-update.service",
  "systemd-machine-id-commit.service",
  "systemd-networkd-wait-online.service",
  "systemd-networkd.service",
  "systemd-networkd.socket",
  "systemd-pstore.service",
  "systemd-random-seed.service",
  "systemd-update-done.service",
  "systemd-update-utmp.service",
];

const generators = [
  "bless-boot",
  "cryptsetup",
  "getty",
  "gpt-auto",
  "hibernate-resume",
  "integritysetup",
  "run",
  "ssh",
  "system-update",
  "tpm2",
  "veritysetup",
];

/** The serial line on which the host runs commands as root. A shell there depends on neither network nor ssh. */
const rescueUnit = `[Unit]
Description=Rescue shell on the second serial line
DefaultDependencies=no
ConditionPathExists=/dev/ttyS1
[Service]
StandardInput=tty-force
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS1
Environment=TERM=dumb
ExecStart=/bin/sh -c 'stty raw -echo && exec /bin/sh'
Restart=always
RestartSec=1
KillMode=process
[Install]
WantedBy=multi-user.target
`;

/**
 * The serial line on which people log in. serial-getty@.service would wait for udev to announce the line. A person
 * presses enter first: a shell that nobody uses would otherwise run from the start on.
 */
const consoleUnit = `[Unit]
Description=Login on the first serial line
After=systemd-user-sessions.service
ConditionPathExists=/dev/ttyS0
[Service]
ExecStart=-/sbin/agetty --autologin root --wait-cr --noclear --keep-baud 115200 ttyS0 linux
Restart=always
RestartSec=0
UtmpIdentifier=ttyS0
StandardInput=tty
StandardOutput=tty
TTYPath=/dev/ttyS0
TTYReset=yes
TTYVHangup=yes
IgnoreSIGPIPE=no
SendSIGHUP=yes
[Install]
WantedBy=multi-user.target
`;

/** A unit, enabled. */
const enabled = (name: string, content: string): readonly TreeEntry[] => [
  { path: `/etc/systemd/system/${name}`, mode: 0o644, content },
  { path: `/etc/systemd/system/multi-user.target.wants/${name}`, target: `/etc/systemd/system/${name}` },
];

/** Put on the root of a virtual machine on top of the base image. */
export const machineFiles: readonly TreeEntry[] = [
  // A node's own take their places. Without any, systemd would make up both, and mount the first over the file.
  { path: "/etc/machine-id", mode: 0o444, content: `${"0".repeat(31)}1\n` },
  { path: "/etc/hostname", mode: 0o644, content: "machine\n" },
  { path: "/etc/fstab", mode: 0o644, content: "/dev/vda / ext4 rw,noatime 0 1\n" },
  // Without a size the kernel shows the mount in another way when its memory changes by a page.
  {
    path: "/etc/systemd/system/tmp.mount.d/10-size.conf",
    mode: 0o644,
    content: "[Mount]\nOptions=mode=1777,strictatime,nosuid,nodev,size=128M,nr_inodes=100k\n",
  },
  // As kubeadm's documentation asks of every node.
  { path: "/etc/modules-load.d/k8s.conf", mode: 0o644, content: "overlay\nbr_netfilter\nnf_conntrack\n" },
  // udev would make it. systemd and hwclock reach the real-time clock by this name.
  { path: "/etc/tmpfiles.d/rtc.conf", mode: 0o644, content: "L /dev/rtc - - - - rtc0\n" },
  { path: "/usr/local/sbin/node-network", mode: 0o755, content: network },
  {
    // The machine whose state is saved is nobody yet, and has no key.
    path: "/etc/systemd/system/ssh.service.d/10-key.conf",
    mode: 0o644,
    content: "[Unit]\nConditionPathExists=/etc/ssh/ssh_host_ed25519_key\n",
  },
  ...enabled("serial-rescue.service", rescueUnit),
  ...enabled("serial-console.service", consoleUnit),
  ...masked.map((unit) => ({ path: `/etc/systemd/system/${unit}`, target: "/dev/null" })),
  ...generators.map((name) => ({
    path: `/etc/systemd/system-generators/systemd-${name}-generator`,
    target: "/dev/null",
  })),
];
