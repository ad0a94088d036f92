import {
  claim,
  createObject,
  defineBreak,
  idleImage,
  idlePodWithClaim,
  localVolume,
  NODES,
  nodesIn,
  ownWorkload,
  podsUnschedulable,
} from "kbreak";

export default defineBreak({
  title: "A volume where the pod cannot go",
  summary:
    "A StorageClass binds claims at once, before anybody knows where the pod will be. Of two volumes the smaller one fits best, and it is on a node that takes no pods: the claim is Bound, and its pod Pending for ever.",
  difficulty: "medium",
  source: "day-2 operations (storage loop)",
  reboot: "survives",
  needs: { roles: ["control-plane"], target: "cluster" },
  parameters: {
    type: "object",
    properties: {
      namespace: { type: "string", pattern: "^[a-z0-9-]+$", default: "default", description: "Where it is." },
      name: {
        type: "string",
        pattern: "^[a-z][a-z0-9-]*$",
        default: "reports",
        description: "Name of the Deployment and its claim; its volumes are this with -0 and -1.",
      },
      storageClass: {
        type: "string",
        pattern: "^[a-z][a-z0-9-]*$",
        default: "node-disk",
        description: "Name of the StorageClass.",
      },
    },
    additionalProperties: false,
  },
  sees: "The claim is Bound and the pod is Pending: one node has a taint, the others a volume node affinity conflict.",
  hints: [
    "Somebody has decided too early.",
    "Storage and scheduler each chose well, alone. Who chose first?",
    "`kubectl get sc`: VOLUMEBINDINGMODE; `kubectl describe pv` names the node of the volume.",
  ],
  find: ["kubectl get pods -l app=reports", "kubectl get sc node-disk", "kubectl get pvc reports"],
  fix: [
    "kubectl scale deployment reports --replicas 0",
    "kubectl wait --for delete pod -l app=reports --timeout 60s",
    "kubectl delete pvc reports",
    "kubectl get sc node-disk -o json | sed s/Immediate/WaitForFirstConsumer/ | kubectl replace --validate=false --force -f -",
    `printf '{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"reports"},"spec":{"accessModes":["ReadWriteOnce"],"storageClassName":"node-disk","resources":{"requests":{"storage":"1Gi"}}}}' | kubectl create --validate=false -f -`,
    "kubectl scale deployment reports --replicas 1",
    "kubectl rollout status deployment reports --timeout 60s",
  ],
  metric: 'kube_pod_status_unschedulable beside kube_persistentvolumeclaim_status_phase{phase="Bound"}.',
  prevention: "WaitForFirstConsumer for every volume that not all nodes can reach.",
  asks: () => [NODES],
  refusal(_, facts) {
    const nodes = nodesIn(facts);
    if (!nodes.some(({ open }) => open)) return "no node takes usual pods";
    if (nodes.every(({ open }) => open))
      return "every node takes usual pods, so each volume is where one can be";
    return idleImage(facts) === undefined ? "no node tells of an image pause" : undefined;
  },
  operations({ namespace, name, storageClass }, facts) {
    const nodes = nodesIn(facts);
    const { hostname: closed = "" } = nodes.find(({ open }) => !open) ?? {};
    const { hostname: open = "" } = nodes.find((node) => node.open) ?? {};
    return [
      createObject({
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: { name: storageClass },
        provisioner: "kubernetes.io/no-provisioner",
        volumeBindingMode: "Immediate",
      }),
      createObject(localVolume(`${name}-0`, storageClass, closed, "1Gi")),
      createObject(localVolume(`${name}-1`, storageClass, open, "2Gi")),
      createObject(claim(name, namespace, storageClass)),
      createObject(ownWorkload("Deployment", name, namespace, idlePodWithClaim(name, name, facts))),
    ];
  },
  symptom: ({ namespace, name }) => podsUnschedulable(namespace, `app=${name}`),
  patience: 60,
});
