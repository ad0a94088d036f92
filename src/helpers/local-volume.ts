import type { Manifest } from "../operations/object.ts";

/** A volume in a folder of one node's. The folder is /srv, which every node has: nothing is written there. */
export function localVolume(name: string, storageClass: string, hostname: string, size: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name },
    spec: {
      capacity: { storage: size },
      accessModes: ["ReadWriteOnce"],
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: storageClass,
      local: { path: "/srv" },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [hostname] }] },
          ],
        },
      },
    },
  };
}

/** A claim of 1 GiB. */
export function claim(name: string, namespace: string, storageClass: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name, namespace },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "1Gi" } },
      storageClassName: storageClass,
    },
  };
}
