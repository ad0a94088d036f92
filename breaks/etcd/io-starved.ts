import { defineBreak, etcdSyncSlow, ioLimit } from "kbreak";

export default defineBreak({
  title: "etcd has no disk to write to",
  summary:
    "A limit of etcd's control group lets it write to its disk a few times a second only. etcd syncs its log before it answers a write, so all writes of the cluster queue up behind it. The disk itself is idle, and fast for everybody else; only who shares a file system with etcd may have to wait for its journal.",
  difficulty: "hard",
  source: "Klustered path, the drills; Kubernetes Day 2 Operations (control plane)",
  reboot: "vanishes",
  needs: { roles: ["control-plane"] },
  parameters: {
    type: "object",
    properties: {
      writes: {
        type: "integer",
        minimum: 1,
        maximum: 100,
        default: 8,
        description: "Writes a second that etcd may do. Each write of its log takes one or a few.",
      },
      path: {
        type: "string",
        pattern: "^/",
        default: "/var/lib/etcd",
        description: "Where etcd's data are.",
      },
    },
    additionalProperties: false,
  },
  sees: "Reading is fast, each write takes a second or more, or times out: leases of nodes and leaders run out, components restart. etcd logs that fdatasync and applying requests took too long.",
  hints: [
    "It forgets nothing, but it takes its time to remember.",
    "etcd says what it waits for. Is the disk as slow for others?",
    "A control group has limits for the disk, too: look for `io.max` of etcd's.",
  ],
  find: [
    "curl -s http://127.0.0.1:2381/metrics | grep -e wal_fsync_duration_seconds_sum -e wal_fsync_duration_seconds_count",
    "grep -s . \"/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/$(pgrep -x etcd)/cgroup)/io.max\"",
  ],
  fix: [
    "limits=\"/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/$(pgrep -x etcd)/cgroup)/io.max\"",
    'echo "$(sed "s/ .*//" "$limits") wiops=max" > "$limits"',
  ],
  metric: "etcd_disk_wal_fsync_duration_seconds, whose 99th percentile should be below 10 ms.",
  prevention: "Give etcd a disk of its own, alert on its sync times, and watch io.max of its control group.",
  refusal: (_parameters, { etcd }) =>
    etcd === undefined ? "no etcd runs here, neither as a unit nor as a static pod" : undefined,
  operations: ({ writes, path }) => [ioLimit({ program: "etcd", path, writes })],
  symptom: (_parameters, { etcd }) =>
    etcdSyncSlow(etcd?.client ?? { via: "host", endpoint: "", cacert: "", cert: "", key: "" }, 128),
  patience: 120,
});
