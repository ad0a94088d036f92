/**
 * What moves by itself on a node that nobody touches, with the reason for each: everything else is compared. The list
 * is data, is printed in the documentation, and is kept as short as two looks at an idle node allow.
 */

/**
 * How much of a path is still looked at.
 * - `nothing`: as if it were not there.
 * - `outside`: type, mode, owner and attributes of the path itself; nothing beneath it.
 * - `names`: the same, and everything beneath it as usual.
 * - `untimed`: all but the modification time, and everything beneath it as usual.
 */
export type Look = "nothing" | "outside" | "names" | "untimed";

export interface VolatilePath {
  /** As for `find -path`: `*` matches slashes too. */
  readonly pattern: string;
  readonly look: Look;
  readonly reason: string;
}

export const volatilePaths: readonly VolatilePath[] = [
  { pattern: "/proc", look: "outside", reason: "no files: sysctls, mounts and processes have sections" },
  { pattern: "/sys", look: "outside", reason: "no files: cgroups and links have sections" },
  { pattern: "/dev/pts", look: "outside", reason: "one terminal for each login" },
  { pattern: "/dev", look: "untimed", reason: "made anew at each boot" },
  { pattern: "/dev/*", look: "untimed", reason: "made anew at each boot" },

  { pattern: "/run/log/journal", look: "outside", reason: "the journal grows with every login" },
  { pattern: "/run/systemd/journal", look: "outside", reason: "one stream for each running unit" },
  { pattern: "/run/systemd/units", look: "outside", reason: "an invocation id for each start of a unit" },
  { pattern: "/run/systemd/propagate", look: "outside", reason: "one folder for each start of a unit" },
  { pattern: "/run/systemd/sessions", look: "outside", reason: "logins" },
  { pattern: "/run/systemd/users", look: "outside", reason: "logins" },
  { pattern: "/run/systemd/inhibit", look: "outside", reason: "locks of running programs" },
  { pattern: "/run/systemd/transient/session-*.scope*", look: "nothing", reason: "logins" },
  { pattern: "/run/user", look: "outside", reason: "logins" },
  { pattern: "/run/utmp", look: "names", reason: "logins" },
  { pattern: "/run/sudo", look: "outside", reason: "when somebody last typed a password" },
  { pattern: "/run/motd.dynamic", look: "nothing", reason: "written at every login" },
  { pattern: "/run/udev", look: "outside", reason: "what udev remembers of devices" },
  { pattern: "/run/systemd/timesync", look: "outside", reason: "the clock's last synchronisation" },
  { pattern: "/run/*.pid", look: "names", reason: "a process id is another one after each start" },
  { pattern: "/run", look: "untimed", reason: "made anew by whatever starts" },
  { pattern: "/run/*", look: "untimed", reason: "made anew by whatever starts" },

  { pattern: "/tmp/systemd-private-*", look: "nothing", reason: "a random name for each start of a unit" },
  {
    pattern: "/var/tmp/systemd-private-*",
    look: "nothing",
    reason: "a random name for each start of a unit",
  },
  { pattern: "/tmp", look: "untimed", reason: "programs make and remove files here; the files are compared" },
  {
    pattern: "/var/tmp",
    look: "untimed",
    reason: "programs make and remove files here; the files are compared",
  },
  { pattern: "/tmp/.*-unix", look: "untimed", reason: "made anew at each boot" },

  { pattern: "/var/log/journal", look: "outside", reason: "the journal grows with every login" },
  { pattern: "/var/log/wtmp*", look: "names", reason: "logins" },
  { pattern: "/var/log/btmp*", look: "names", reason: "logins that failed" },
  { pattern: "/var/log/lastlog", look: "names", reason: "logins" },
  { pattern: "/var/log/auth.log", look: "names", reason: "logins" },
  { pattern: "/var/log/syslog", look: "names", reason: "every unit logs here" },
  { pattern: "/var/log/kern.log", look: "names", reason: "the kernel logs here" },
  { pattern: "/var/log/daemon.log", look: "names", reason: "daemons log here" },
  { pattern: "/var/log/messages", look: "names", reason: "every unit logs here" },
  { pattern: "/var/lib/wtmpdb/*", look: "names", reason: "logins" },
  { pattern: "/var/lib/lastlog/*", look: "names", reason: "logins" },

  { pattern: "/var/lib/systemd/random-seed", look: "names", reason: "a new seed at each start" },
  { pattern: "/var/lib/systemd/timers", look: "outside", reason: "when timers last elapsed" },
  { pattern: "/var/lib/systemd/timesync", look: "outside", reason: "the clock's last synchronisation" },
  { pattern: "/var/lib/systemd/linger", look: "untimed", reason: "touched when the login manager starts" },
  { pattern: "/var/spool/cron/atjobs/.SEQ", look: "names", reason: "counts every job that was ever queued" },
  {
    pattern: "/var/spool/cron/atjobs",
    look: "untimed",
    reason: "touched by the job counter; the jobs are compared",
  },
  { pattern: "/var/spool/cron/atspool", look: "untimed", reason: "output of running jobs" },

  // etcd's keys are compared through etcd: its files also hold what no undo takes back (revisions, free pages).
  { pattern: "/var/lib/etcd*/member/wal", look: "outside", reason: "grows with every write" },
  { pattern: "/var/lib/etcd*/member/snap/*.snap*", look: "nothing", reason: "made every so many writes" },
  { pattern: "/var/lib/etcd*/member/snap/db.tmp*", look: "nothing", reason: "exists while defragmenting" },
  { pattern: "/var/lib/etcd*/member/snap/db", look: "names", reason: "keys are compared through etcd" },
  {
    pattern: "/var/lib/etcd*/member/snap",
    look: "untimed",
    reason: "written whenever etcd makes a snapshot",
  },
  {
    pattern: "/var/lib/etcd*/member",
    look: "untimed",
    reason: "etcd tries at each start whether it can write",
  },
  { pattern: "/var/lib/etcd", look: "untimed", reason: "etcd tries at each start whether it can write" },
  {
    pattern: "/var/lib/etcd/default",
    look: "untimed",
    reason: "etcd tries at each start whether it can write",
  },

  // Pods: what runs in them belongs to the cluster's fingerprint, and a restarted pod has other names.
  {
    pattern: "/var/lib/kubelet/*_pods_state",
    look: "names",
    reason: "the kubelet's notes of what its pods may use, anew with each pod",
  },
  { pattern: "/var/lib/kubelet/pods", look: "outside", reason: "one folder for each pod, by its uid" },
  { pattern: "/var/lib/containerd", look: "outside", reason: "layers and containers, by id" },
  { pattern: "/run/containerd", look: "outside", reason: "running containers, by id" },
  { pattern: "/run/netns", look: "outside", reason: "network namespaces of pods, by random names" },
  { pattern: "/var/lib/cni", look: "outside", reason: "addresses of pods, by container id" },
  { pattern: "/var/log/pods", look: "outside", reason: "output of containers" },
  { pattern: "/var/log/containers", look: "outside", reason: "output of containers" },
];

/**
 * File systems of which only the mount point is looked at: remote ones can hang for ever and belong to another
 * machine, the others hold no files.
 */
export const outsideFileSystems: readonly string[] = [
  ...[
    "proc",
    "sysfs",
    "cgroup",
    "cgroup2",
    "devpts",
    "nsfs",
    "autofs",
    "debugfs",
    "tracefs",
    "securityfs",
    "bpf",
  ],
  ...["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "fuse.sshfs"],
];

export interface VolatileName {
  readonly pattern: RegExp;
  readonly reason: string;
}

/** Kernel settings under `/proc/sys`, by their path there. */
export const volatileSysctls: readonly VolatileName[] = [
  { pattern: /^kernel\/random\//, reason: "the pool's state, and ids that are new at each read or boot" },
  { pattern: /^kernel\/(ns_last_pid|pty\/nr)$/, reason: "counts processes and terminals" },
  { pattern: /^kernel\/perf_event_max_sample_rate$/, reason: "lowered by the kernel itself" },
  { pattern: /^fs\/(dentry-state|file-nr|inode-nr|inode-state|aio-nr|quota\/.*)$/, reason: "counters" },
  { pattern: /^net\/netfilter\/nf_conntrack_count$/, reason: "counts connections" },
];

/** Kernel settings that are compared to two digits only. */
export const roundedSysctls: readonly VolatileName[] = [
  {
    pattern: /^net\/ipv4\/(tcp_mem|tcp_rmem|tcp_wmem|udp_mem)$/,
    reason: "a share of the memory that happens to be free while the kernel starts",
  },
  {
    pattern: /^vm\/(user|admin)_reserve_kbytes$/,
    reason: "a thirty-second of the memory that is free while the kernel starts (mm: init_user_reserve)",
  },
];

/** Units that come and go with logins and questions to D-Bus. */
export const passingUnits: readonly VolatileName[] = [
  { pattern: /^session-.*\.scope$/, reason: "logins" },
  { pattern: /^user(-runtime-dir)?@\d+\.service$/, reason: "logins" },
  { pattern: /^user-\d+\.slice$/, reason: "logins" },
  { pattern: /^run-user-\d+\.mount$/, reason: "logins" },
  {
    pattern: /^systemd-(hostnamed|timedated|localed)\.service$/,
    reason: "started by a question, ends by itself",
  },
];

/** All units that come and go. */
export const volatileUnits: readonly VolatileName[] = [
  ...passingUnits,
  { pattern: /\.device$/, reason: "udev's view of the hardware" },
  { pattern: /^(var-lib-kubelet-pods|run-containerd|run-netns)-.*\.mount$/, reason: "pods" },
  { pattern: /^(cri-containerd|crio)-.*\.scope$/, reason: "pods" },
  { pattern: /^kubepods.*\.slice$/, reason: "pods" },
];

/** Mount points that come and go with logins and pods. */
export const volatileMounts: readonly VolatileName[] = [
  { pattern: /^\/run\/user\//, reason: "logins" },
  {
    pattern: /^\/(var\/lib\/kubelet\/pods|run\/containerd|run\/netns|var\/lib\/containerd)\//,
    reason: "pods",
  },
  { pattern: /^\/proc\/sys\/fs\/binfmt_misc$/, reason: "mounted when somebody looks" },
];

/** Processes that come and go with logins and questions, by command line. Kernel threads are left out by parentage. */
export const volatileProcesses: readonly VolatileName[] = [
  {
    pattern: /^sshd(-session|-auth)?: (?!.*\[listener\])/,
    reason: "logins; what they leave running is compared",
  },
  { pattern: /^\(sd-pam\)$/, reason: "logins" },
  { pattern: /^\S*\/systemd --user\b/, reason: "logins" },
  { pattern: /^\(udev-worker\)$|^systemd-userwork\b/, reason: "workers that end when idle" },
  {
    pattern: /^\S*\/systemd-(hostnamed|timedated|localed)$/,
    reason: "started by a question, ends by itself",
  },
];

/** Keys of Kubernetes in etcd that its components rewrite for as long as they live. */
export const volatileKeys: readonly VolatileName[] = [
  { pattern: /^\/registry\/(leases|masterleases|peerserverleases)\//, reason: "heartbeats" },
  { pattern: /^compact_rev_key$/, reason: "written by the API server every five minutes" },
  { pattern: /^\/registry\/events\//, reason: "written for every occurrence, expire by themselves" },
  { pattern: /^\/registry\/minions\//, reason: "the kubelet's heartbeat is part of the node's status" },
];

/** Whether one of the patterns matches. */
export function isVolatile(list: readonly VolatileName[], name: string): boolean {
  return list.some(({ pattern }) => pattern.test(name));
}
