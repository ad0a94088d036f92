import { messageOf } from "../../errors.ts";
import type { Connection } from "../../transport/transport.ts";
import type { Entries, Fingerprint } from "../types.ts";
import { clusterFingerprint } from "./cluster.ts";

const titleOf = (resource: string) => `cluster ${resource}`;

/** Kubernetes' own keys in etcd hold the same objects once more, with all that moves by itself. */
const withoutObjects = (keys: Entries): Entries =>
  Object.fromEntries(
    Object.entries(keys).filter(([key]) => !key.startsWith("key /registry/") && key !== "count of keys"),
  );

/** A look at a node and, where it runs an API server, at the cluster, whose sections begin with `cluster`. */
export async function withCluster(node: Fingerprint, connection: Connection): Promise<Fingerprint> {
  try {
    const cluster = await clusterFingerprint(connection);
    if (cluster === undefined) return node;
    const sections = Object.entries(cluster.sections).map(([name, entries]) => [titleOf(name), entries]);
    const skipped = cluster.skipped.map(({ section, reason }) => ({ section: titleOf(section), reason }));
    const { etcd, ...others } = node.sections;
    return {
      ...node,
      sections: {
        ...others,
        ...(etcd === undefined ? {} : { etcd: withoutObjects(etcd) }),
        ...Object.fromEntries(sections),
      },
      skipped: [...node.skipped, ...skipped],
    };
  } catch (error) {
    return { ...node, skipped: [...node.skipped, { section: "cluster", reason: messageOf(error) }] };
  }
}
