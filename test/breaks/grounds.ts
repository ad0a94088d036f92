import { setTimeout as sleep } from "node:timers/promises";
import { withCluster } from "../../src/fingerprint/cluster/with-cluster.ts";
import { differences } from "../../src/fingerprint/differences.ts";
import { fingerprint } from "../../src/fingerprint/fingerprint.ts";
import type { Difference, Fingerprint } from "../../src/fingerprint/types.ts";
import { type Bench, changesSince, connectTo, look, on, useBench } from "../support/bench.ts";
import { shapeOf } from "../support/churn.ts";
import { READY } from "../support/cluster-ready.ts";
import { keptConnections } from "../support/kept-connections.ts";
import type { TestNode } from "../support/lab.ts";

/** Where breaks are proven: on which nodes, and what is looked at there. */
export interface Ground {
  /** As it is called in the summary. */
  readonly name: string;
  /** True: what namespace nodes show as well is not shown once more, as each look, plan and login takes seconds. */
  readonly slow: boolean;
  /** Milliseconds that a repaired symptom may take to go. */
  readonly patience: number;
  /** True: a break that can be had on any node is tried on a worker, so that the API stays. */
  readonly workersFirst: boolean;
  open(): Promise<Bench>;
  look(bench: Bench, node: TestNode): Promise<Fingerprint>;
  /** What is not as it was, after whatever repairs itself has had its time: all but what `lasts` is true for. */
  changes(
    bench: Bench,
    node: TestNode,
    before: Fingerprint,
    lasts?: (difference: Difference) => boolean,
  ): Promise<readonly Difference[]>;
}

const aNode: Pick<Ground, "look" | "changes" | "workersFirst" | "patience"> = {
  workersFirst: false,
  patience: 0,
  look: (_, node) => look(node),
  changes: (_, node, before) => changesSince(node, before),
};

/** Nodes that share this machine's kernel. */
export const namespaceNodes: Ground = {
  ...aNode,
  name: "namespace nodes",
  slow: false,
  open: () => useBench(),
};

/** Nodes with a kernel of their own. One takes a core of this machine, and a control plane can have every break. */
export const machines: Ground = {
  ...aNode,
  name: "machines",
  slow: true,
  async open() {
    const kept = keptConnections();
    const bench = await useBench({ provider: "vm", nodes: "1" }, kept.connect);
    return {
      ...bench,
      async end() {
        await kept.close();
        await bench.end();
      },
    };
  },
};

/** All nodes of a cluster and its objects, as one look; sections begin with the node's name. */
async function lookAtAll({ lab }: Bench): Promise<Fingerprint> {
  const looks = await Promise.all(
    lab.nodes.map(async (node) => {
      const connection = await connectTo(node);
      try {
        return await withCluster(await fingerprint(connection), connection);
      } finally {
        await connection.close();
      }
    }),
  );
  const [first] = looks;
  if (first === undefined) throw new Error("the lab has no nodes");
  const sections = looks.flatMap(({ node, sections: own }) =>
    Object.entries(own).map(([name, entries]) => [`${node} ${name}`, entries] as const),
  );
  const skipped = looks.flatMap(({ node, skipped: own }) =>
    own.map(({ section, reason }) => ({ section: `${node} ${section}`, reason })),
  );
  return { ...first, sections: Object.fromEntries(sections), skipped };
}

/** What breaks, and their repair, make Kubernetes start anew, without kbreak. */
const RESTARTS = `systemctl restart containerd.service kubelet.service
crictl stop --timeout 3 $(crictl ps --quiet --name '^kube-|^etcd$') >/dev/null
sleep 5
${READY}
for app in default:app=web kube-system:k8s-app=kube-dns; do
  kubectl -n "\${app%%:*}" delete pod -l "\${app#*:}" >/dev/null
done
sleep 2
${READY}`;

/** A cluster, whose own restarts are taken for no difference: those that a control run without kbreak has shown. */
export function cluster(): Ground {
  const shapes = new Set<string>();
  // kube-proxy writes its chain of all Services in no order.
  const ofNoOrder = ({ section, key, kind }: Difference) =>
    kind === "changed" && /nft(ables)?$/.test(section) && /\bKUBE-SERVICES$/.test(key);
  const own = (one: Difference) => !one.section.startsWith("skipped") && !ofNoOrder(one);
  const left = (before: Fingerprint, after: Fingerprint) =>
    differences(before, after).filter((one) => own(one) && !shapes.has(shapeOf(one)));
  return {
    name: "a cluster",
    slow: false,
    // A kubelet brings a changed ConfigMap within 90 s, and CoreDNS reads it within 45.
    patience: 180_000,
    workersFirst: true,
    async open() {
      const bench = await useBench({ kubernetes: true });
      const before = await lookAtAll(bench);
      await on(bench.lab.node("w1"), "systemctl restart containerd.service kubelet.service");
      await on(bench.lab.node("cp1"), RESTARTS);
      for (const one of differences(before, await lookAtAll(bench))) shapes.add(shapeOf(one));
      process.stdout.write(`a control run without kbreak: ${shapes.size} kinds of differences\n`);
      return bench;
    },
    look: lookAtAll,
    async changes(bench, _, before, lasts = () => false) {
      for (const end = Date.now() + 240_000; ; await sleep(2000)) {
        const found = left(before, await lookAtAll(bench));
        if (found.every(lasts) || Date.now() > end) return found;
      }
    },
  };
}
