import type { Facts } from "../facts.ts";
import type { Manifest } from "../operations/object.ts";
import { nodesIn } from "./cluster-nodes.ts";

/** The image whose program only waits, and which every node holds for its pods' sandboxes; the break asks for the nodes. */
export const idleImage = (facts: Facts): string | undefined =>
  nodesIn(facts)
    .flatMap(({ images }) => images)
    .find((image) => /\/pause:[^@]+$/.test(image));

/** A pod template whose one container waits, and ends at once when it is asked to. */
export function idlePod(name: string, facts: Facts, container: object = {}, pod: object = {}): object {
  return {
    metadata: { labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name, image: idleImage(facts), imagePullPolicy: "IfNotPresent", ...container }],
      ...pod,
    },
  };
}

/** A Deployment or DaemonSet of the break's own. */
export function ownWorkload(
  kind: "Deployment" | "DaemonSet",
  name: string,
  namespace: string,
  template: object,
): Manifest {
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      ...(kind === "Deployment" ? { replicas: 1 } : {}),
      selector: { matchLabels: { app: name } },
      template,
    },
  };
}

/** A pod template whose pod mounts a claim at /data. */
export const idlePodWithClaim = (name: string, claim: string, facts: Facts): object =>
  idlePod(
    name,
    facts,
    { volumeMounts: [{ name: "data", mountPath: "/data", readOnly: true }] },
    { volumes: [{ name: "data", persistentVolumeClaim: { claimName: claim } }] },
  );
