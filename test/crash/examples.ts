import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dropPort } from "../../src/helpers/packet-program.ts";
import {
  at,
  attributes,
  ballast,
  clock,
  createObject,
  cron,
  deleteObject,
  editFile,
  etcdFill,
  firewallRule,
  folder,
  freeze,
  ioLimit,
  link,
  linkFile,
  mode,
  mount,
  move,
  nftTable,
  packetFilter,
  preload,
  process,
  qdisc,
  removeFile,
  route,
  scale,
  setFields,
  swap,
  sysctl,
  taint,
  takeLease,
  unit,
  writeFile,
} from "../../src/operations/constructors.ts";
import type { AnyOperation } from "../../src/operations/index.ts";

export interface Example {
  readonly operations: readonly AnyOperation[];
  /** It changes the whole kernel, or needs what a shared one may lack: only for nodes with a kernel of their own. */
  readonly kernel?: "own";
  /** It needs a real Kubernetes: one write of its API server's, of which nothing can be killed in the middle. */
  readonly cluster?: true;
}

const etcd = "/etc/kubernetes/pki/etcd";

/**
 * An example of every kind of operation, on a practice node that is a control plane; no two have anything to do with the
 * same thing. A kind without one does not compile.
 */
export const examples = {
  at: { operations: [at("true", 60)] },
  attributes: { operations: [attributes("/etc/kubernetes/manifests/kube-apiserver.yaml", "i")] },
  ballast: { operations: [ballast("/var/log/kern.log.old", 20)] },
  clock: { operations: [clock(3600)], kernel: "own" },
  cron: { operations: [cron("sysstat-rotate", "/bin/true", "0 5 1 1 *")] },
  "etcd-fill": {
    operations: [
      editFile(
        "/etc/default/etcd",
        [{ find: "ETCD_SNAPSHOT_COUNT=10000", with: `ETCD_QUOTA_BACKEND_BYTES=${4 * 1024 * 1024}` }],
        { restart: "etcd.service" },
      ),
      etcdFill({
        client: {
          via: "host",
          endpoint: "https://127.0.0.1:2379",
          cacert: `${etcd}/ca.crt`,
          cert: `${etcd}/healthcheck-client.crt`,
          key: `${etcd}/healthcheck-client.key`,
        },
        prefix: "/cache/events/",
        mebibytes: 8,
      }),
    ],
  },
  file: {
    operations: [
      editFile("/etc/kubernetes/scheduler.conf", [{ find: "kind: Config", with: "kind: Comfig" }]),
      writeFile("/etc/profile.d/locale.sh", "export LANG=C\n"),
      linkFile("/etc/kubernetes/kubelet.conf", "/etc/kubernetes/admin.conf"),
      removeFile("/etc/kubernetes/manifests/kube-controller-manager.yaml"),
    ],
  },
  "firewall-rule": { operations: [firewallRule(["-p", "tcp", "--dport", "6443", "-j", "DROP"])] },
  folder: { operations: [folder("/etc/kubernetes/manifests.d")] },
  freeze: { operations: [freeze("atd.service")] },
  "io-limit": {
    operations: [ioLimit({ program: "etcd", path: "/var/lib/etcd", writes: 10 })],
    kernel: "own",
  },
  link: { operations: [link("eth0", { mtu: 1280 })] },
  mode: { operations: [mode("/etc/kubernetes/admin.conf", { mode: "0000", owner: "1:1" })] },
  mount: { operations: [mount("/etc/hosts", "/etc/kubernetes/controller-manager.conf")] },
  move: { operations: [move("/etc/kubernetes/pki/front-proxy-ca.crt", "/etc/kubernetes/pki/.ca.crt")] },
  preload: { operations: [preload("/usr/local/lib/libcache.so", "/usr/local/lib/decoy")] },
  "nft-table": {
    operations: [
      nftTable("fallback", [
        { name: "early", type: "filter", hook: "prerouting", priority: -350, rules: ["tcp dport 6443 drop"] },
      ]),
    ],
  },
  "packet-filter": { operations: [packetFilter("lo", "ingress", dropPort("tcp", 6443))] },
  process: { operations: [process("sleep", "86400")] },
  qdisc: {
    operations: [qdisc("eth0", ["tbf", "rate", "20mbit", "burst", "64kbit", "latency", "400ms"])],
  },
  "object-fields": {
    operations: [setFields("service/default/web", { "spec.selector.app": "wbe" })],
    cluster: true,
  },
  lease: { operations: [takeLease("kube-scheduler", "cp1_0", 3600)], cluster: true },
  object: {
    operations: [
      createObject({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "web-settings" },
        data: { colour: "green" },
      }),
    ],
    cluster: true,
  },
  "object-gone": { operations: [deleteObject("service/default/postgres")], cluster: true },
  taint: {
    operations: [taint("w1", { key: "node.kubernetes.io/maintenance", effect: "NoSchedule" })],
    cluster: true,
  },
  replicas: { operations: [scale("default/web", 0)], cluster: true },
  route: { operations: [route("unreachable", "192.0.2.7")] },
  swap: { operations: [swap("/swapfile", 16)], kernel: "own" },
  sysctl: { operations: [sysctl("net.ipv4.ip_forward", "0")] },
  unit: { operations: [unit("cron.service", { active: false, enabled: "masked" })] },
} as const satisfies Readonly<Record<AnyOperation["kind"], Example>>;

/** The kinds whose examples are for a cluster. */
export const kindsForCluster: readonly string[] = Object.entries(
  examples as Readonly<Record<string, Example>>,
).flatMap(([kind, example]) => (example.cluster === true ? [kind] : []));

/** The kinds whose examples are for nodes that share a kernel, and those that are not. */
export function kindsFor(kernel: "shared" | "own"): readonly string[] {
  const all: readonly (readonly [string, Example])[] = Object.entries(examples);
  return all
    .filter(
      ([, example]) => example.cluster !== true && (example.kernel === undefined) === (kernel === "shared"),
    )
    .map(([kind]) => kind);
}

/** Playbooks in files of their own, and what each changes. */
export interface Playbooks {
  readonly files: readonly string[];
  remove(): void;
}

/**
 * Playbooks that have the examples of so many kinds each: all but the last kind in one step, the last in one of its own.
 * The order of the kinds is the order in which they are applied.
 */
export function playbooksOf(kinds: readonly string[], each: number): Playbooks {
  const folder = mkdtempSync(join(tmpdir(), "kbreak-examples-"));
  const known: Readonly<Record<string, Example>> = examples;
  const operationsOf = (some: readonly string[]) => some.flatMap((kind) => known[kind]?.operations ?? []);
  const files = Array.from({ length: Math.ceil(kinds.length / each) }, (_, index) => {
    const mine = kinds.slice(index * each, (index + 1) * each);
    const steps = [operationsOf(mine.slice(0, -1)), operationsOf(mine.slice(-1))];
    const text = {
      name: mine.join(", "),
      steps: steps.filter(({ length }) => length > 0).map((operations) => ({ operations })),
    };
    const file = join(folder, `${mine.join("+")}.yaml`);
    writeFileSync(file, JSON.stringify(text));
    return file;
  });
  return { files, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
