import { defineBreak, editFile, etcdFill, etcdPutRefused, type Facts } from "kbreak";

const MEBIBYTE = 1024 * 1024;

/** etcd counts whole pages, and needs some room before the first key. */
function quotaBytes(facts: Facts, headroom: number): number {
  return Math.ceil((facts.etcd?.bytes ?? 0) / MEBIBYTE + headroom) * MEBIBYTE;
}

/** etcdctl of the node, as kubeadm's health check calls it. */
const CREDENTIALS =
  "export ETCDCTL_ENDPOINTS=https://127.0.0.1:2379 ETCDCTL_CACERT=/etc/kubernetes/pki/etcd/ca.crt ETCDCTL_CERT=/etc/kubernetes/pki/etcd/healthcheck-client.crt ETCDCTL_KEY=/etc/kubernetes/pki/etcd/healthcheck-client.key";

export default defineBreak({
  title: "etcd is full",
  summary:
    "etcd's quota is lowered and reached with keys of our own. etcd raises its NOSPACE alarm and takes no more writes, and the alarm stays when there is space again.",
  difficulty: "hard",
  source: "Klustered #11 (Thomas Strömberg); Kubernetes Bare Metal Deep Dive",
  reboot: "survives",
  dangers: ["data-loss"],
  needs: { roles: ["control-plane"] },
  parameters: {
    type: "object",
    properties: {
      headroom: {
        type: "integer",
        minimum: 2,
        maximum: 1024,
        default: 8,
        description: "MiB that etcd may grow before it is full.",
      },
      prefix: {
        type: "string",
        pattern: "^/(?!registry)[a-z0-9/_-]*/$",
        default: "/cache/events/",
        description: "Prefix of the keys that fill it, outside Kubernetes' own.",
      },
    },
    additionalProperties: false,
  },
  sees: 'Reading works, every write ends in "etcdserver: mvcc: database space exceeded".',
  hints: [
    "What can you still do, and what not?",
    "etcd protects itself. From what?",
    "etcdctl alarm list; then compact, defrag, and disarm the alarm.",
  ],
  find: [
    CREDENTIALS,
    "etcdctl alarm list",
    "etcdctl endpoint status --write-out=table",
    "etcdctl get --prefix --keys-only ''",
  ],
  fix: [
    CREDENTIALS,
    "etcdctl del --prefix /cache/events/",
    "etcdctl compact --physical $(etcdctl endpoint status --write-out=json | sed 's/.*\"revision\":\\([0-9]*\\).*/\\1/')",
    "etcdctl defrag",
    "etcdctl alarm disarm",
  ],
  metric: "etcd_mvcc_db_total_size_in_bytes against etcd_server_quota_backend_bytes.",
  prevention:
    "Compact automatically, alert at 80 % of the quota, and let nothing but the API server write to etcd.",
  refusal(_parameters, facts) {
    if (facts.etcd === undefined) return "no etcd runs here, neither as a unit nor as a static pod";
    return undefined;
  },
  reads: () => ["/etc/default/etcd", "/etc/kubernetes/manifests/etcd.yaml"],
  operations({ headroom, prefix }, facts) {
    const { etcd } = facts;
    if (etcd === undefined) return [];
    const quota = quotaBytes(facts, headroom);
    return [
      lowerQuota(etcd.settings, facts.files[etcd.settings] ?? "", quota, etcd.unit),
      etcdFill({ client: etcd.client, prefix, mebibytes: quota / MEBIBYTE + 4 }),
    ];
  },
  symptom: (_parameters, facts) =>
    etcdPutRefused(facts.etcd?.client ?? { via: "host", endpoint: "", cacert: "", cert: "", key: "" }),
  patience: 30,
});

/** A unit reads its environment file when it starts; the kubelet restarts a static pod when its manifest changes. */
function lowerQuota(settings: string, text: string, quota: number, unit: string | undefined) {
  if (unit !== undefined) {
    const line = /^ETCD_QUOTA_BACKEND_BYTES=.*$/m.exec(text)?.[0];
    const last = text.trimEnd().split("\n").at(-1) ?? "";
    const wanted = `ETCD_QUOTA_BACKEND_BYTES=${quota}`;
    const edit =
      line === undefined ? { find: last, with: `${last}\n${wanted}` } : { find: line, with: wanted };
    return editFile(settings, [edit], { restart: unit });
  }
  // What fills it must not meet the etcd that still has the old quota.
  const pod = { pod: "etcd" };
  const flag = /^ *- --quota-backend-bytes=.*$/m.exec(text)?.[0];
  const first = /^( *- )etcd$/m.exec(text);
  const wanted = `--quota-backend-bytes=${quota}`;
  if (flag !== undefined) return editFile(settings, [{ find: flag.trim(), with: `- ${wanted}` }], pod);
  return editFile(
    settings,
    [{ find: `${first?.[0]}\n`, with: `${first?.[0]}\n${first?.[1]}${wanted}\n` }],
    pod,
  );
}
