import {
  claim,
  createObject,
  defineBreak,
  idleImage,
  idlePodWithClaim,
  localVolume,
  NODES,
  nodesIn,
  objectSays,
  ownWorkload,
} from "kbreak";

export default defineBreak({
  title: "A claim of a class that nobody serves",
  summary:
    "A volume is there, and a claim that fits it but for one letter in the name of its class. The claim waits for a volume for ever, and its pod for the claim. The class of a claim cannot be changed, unless it is made anew; that of a volume can.",
  difficulty: "easy",
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
        default: "archive",
        description: "Name of the Deployment, its claim and the volume.",
      },
      volumeClass: {
        type: "string",
        pattern: "^[a-z][a-z0-9-]*$",
        default: "local-disk",
        description: "Class of the volume.",
      },
      claimClass: {
        type: "string",
        pattern: "^[a-z][a-z0-9-]*$",
        default: "local-disks",
        description: "Class that is claimed.",
      },
    },
    additionalProperties: false,
  },
  sees: "The claim is Pending, and so is its pod: it has unbound immediate PersistentVolumeClaims.",
  hints: [
    "One waits for another one, who waits, too.",
    "The pod waits for its claim. What does the claim wait for?",
    "`kubectl get pvc,pv,sc`: compare the column STORAGECLASS.",
  ],
  find: ["kubectl get pvc archive", "kubectl get pv archive"],
  fix: [`kubectl patch pv archive --patch '{"spec":{"storageClassName":"local-disks"}}'`],
  metric: 'kube_persistentvolumeclaim_status_phase{phase="Pending"}.',
  prevention: "Let a policy refuse claims whose class is none of the cluster's.",
  asks: ({ claimClass }) => [NODES, `/apis/storage.k8s.io/v1/storageclasses/${claimClass}`],
  refusal({ claimClass, volumeClass }, facts) {
    if (claimClass === volumeClass) return "the claim's class is the volume's";
    if (Object.keys(facts.objects).some((path) => path.endsWith(`/storageclasses/${claimClass}`)))
      return `there is a StorageClass ${claimClass}`;
    if (!nodesIn(facts).some(({ open }) => open)) return "no node takes usual pods";
    return idleImage(facts) === undefined ? "no node tells of an image pause" : undefined;
  },
  operations({ namespace, name, volumeClass, claimClass }, facts) {
    const { hostname = "" } = nodesIn(facts).find(({ open }) => open) ?? {};
    const pod = idlePodWithClaim(name, name, facts);
    return [
      createObject(localVolume(name, volumeClass, hostname, "1Gi")),
      createObject(claim(name, namespace, claimClass)),
      createObject(ownWorkload("Deployment", name, namespace, pod)),
    ];
  },
  symptom: ({ namespace, name }) =>
    objectSays({ namespace, resource: "persistentvolumeclaim", name }, "{.status.phase}", "Pending"),
  patience: 30,
});
