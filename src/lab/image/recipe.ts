import type { TreeEntry } from "../tree.ts";

export const suite = "trixie";

/** Debian packages of a node. libpam-systemd is left out: it starts a user manager on every login, which is slow. */
export const packages = [
  "acl",
  "at",
  "attr",
  "ca-certificates",
  "conntrack",
  "cron",
  "curl",
  "dbus",
  "e2fsprogs",
  "etcd-client",
  "etcd-server",
  "iproute2",
  "iptables",
  "iputils-ping",
  "kmod",
  "kubernetes-client",
  "less",
  "netcat-openbsd",
  "nftables",
  "openssh-server",
  "openssl",
  "procps",
  "psmisc",
  "sudo",
  "systemd",
  "systemd-sysv",
  // As a node that somebody once built a module on: a library is compiled on the node with what it has.
  "tcc",
  "tcpdump",
  "util-linux",
  "vim-tiny",
] as const;

export const mmdebstrapOptions = [
  "--variant=minbase",
  "--mode=root",
  "--format=directory",
  "--components=main",
  '--aptopt=APT::Install-Recommends "false"',
  '--aptopt=Acquire::Languages "none"',
  "--dpkgopt=path-exclude=/usr/share/man/*",
  "--dpkgopt=path-exclude=/usr/share/locale/*",
  "--dpkgopt=path-exclude=/usr/share/doc/*",
  // Its user and group id is 1000: the first of a fresh Debian.
  '--customize-hook=chroot "$1" useradd --create-home --shell /bin/bash lab',
] as const;

// A look at a whole idle node must be the same an hour later: nothing that changes files by itself may run.
const masked = [
  "apt-daily-upgrade.timer",
  "apt-daily.timer",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "fstrim.timer",
  "logrotate.timer",
  "man-db.timer",
  "systemd-tmpfiles-clean.timer",
];

/** Removed from what the packages brought. */
export const removed = [
  "/etc/cron.d/e2scrub_all",
  "/etc/cron.daily/apt-compat",
  "/etc/cron.daily/dpkg",
  "/etc/hostname",
  "/etc/hosts",
  "/etc/machine-id",
  "/etc/resolv.conf",
  "/etc/ssh/ssh_host_ecdsa_key",
  "/etc/ssh/ssh_host_ecdsa_key.pub",
  "/etc/ssh/ssh_host_ed25519_key",
  "/etc/ssh/ssh_host_ed25519_key.pub",
  "/etc/ssh/ssh_host_rsa_key",
  "/etc/ssh/ssh_host_rsa_key.pub",
  "/etc/systemd/system/default.target",
  "/etc/systemd/system/etcd2.service",
  "/etc/systemd/system/multi-user.target.wants/etcd.service",
  "/etc/systemd/system/sshd-keygen.service",
  "/etc/systemd/system/timers.target.wants",
  "/var/lib/dbus/machine-id",
] as const;

/** Put on top of what the packages brought. */
export const added: readonly TreeEntry[] = [
  ...masked.map((unit) => ({ path: `/etc/systemd/system/${unit}`, target: "/dev/null" })),
  { path: "/etc/systemd/system/default.target", target: "/usr/lib/systemd/system/multi-user.target" },
  { path: "/etc/hosts", mode: 0o644, content: "127.0.0.1 localhost\n" },
  { path: "/etc/resolv.conf", mode: 0o644, content: "" },
  {
    path: "/etc/ssh/sshd_config.d/lab.conf",
    mode: 0o644,
    content: [
      "PermitRootLogin prohibit-password",
      "PasswordAuthentication no",
      "UseDNS no",
      "MaxSessions 100",
      "MaxStartups 100:30:200",
      // Tests and fixers log in wrongly on purpose.
      "PerSourcePenalties no",
      "",
    ].join("\n"),
  },
  {
    path: "/etc/systemd/journald.conf.d/lab.conf",
    mode: 0o644,
    content: "[Journal]\nSystemMaxUse=32M\n",
  },
  {
    path: "/etc/systemd/system/etcd.service.d/10-root.conf",
    mode: 0o644,
    // As kubeadm's etcd, whose keys are root's with mode 0600.
    content: "[Service]\nUser=root\n",
  },
  { path: "/etc/sudoers.d/lab", mode: 0o440, content: "lab ALL=(ALL:ALL) NOPASSWD: ALL\n" },
  { path: "/etc/sysctl.d/99-kubernetes-cri.conf", mode: 0o644, content: "net.ipv4.ip_forward = 1\n" },
  { path: "/etc/cni/net.d", folder: true, mode: 0o755 },
  { path: "/opt/cni/bin", folder: true, mode: 0o755 },
  // systemd compares their times with that of /usr and runs ldconfig, sysusers and more when they are older.
  { path: "/etc/.updated", mode: 0o644, content: "" },
  { path: "/var/.updated", mode: 0o644, content: "" },
];
