import { apiProbe, defineBreak, editFile, sh } from "kbreak";

const MANIFEST = "/etc/kubernetes/manifests/kube-controller-manager.yaml";
const flagOf = (manifest = "") => /--controllers=\S+/.exec(manifest)?.[0];

/** Last but one, where the eye does not stop. */
const without = (flag: string, controller: string) =>
  flag.replace(/,?[^,=]+$/, (last) => `,-${controller}${last}`);

export default defineBreak({
  title: "A controller that is switched off",
  summary:
    "The controller manager is told not to run one of its controllers, in the middle of the list in its flag `--controllers`. A Deployment still gets its ReplicaSet, and no pod comes of it: no error and no event, as nobody looks at it.",
  difficulty: "medium",
  source: "Klustered #5 (Ian Coldwater)",
  reboot: "survives",
  needs: { roles: ["control-plane"], commands: ["kubectl"], units: ["kubelet.service"] },
  parameters: {
    type: "object",
    properties: {
      path: {
        type: "string",
        pattern: "^/",
        default: MANIFEST,
        description: "The controller manager's manifest.",
      },
      controller: {
        type: "string",
        enum: ["replicaset-controller", "deployment-controller", "statefulset-controller"],
        default: "replicaset-controller",
        description: "The controller that is switched off.",
      },
    },
    additionalProperties: false,
  },
  sees: "A pod that is deleted is not replaced, and a Deployment that is scaled gets no pods. There is no event.",
  hints: [
    "Somebody's work is not done. Is there anybody who should do it?",
    "Not all that a component can do has to be switched on.",
    `\`grep controllers ${MANIFEST}\`: read the list to its end.`,
  ],
  find: [`grep -n controllers= ${MANIFEST}`],
  fix: [`sed -i 's/,-replicaset-controller//' ${MANIFEST}`],
  metric: "kube_replicaset_spec_replicas above kube_replicaset_status_replicas for longer than a minute.",
  prevention: "Keep the manifests of the control plane in version control, and compare them.",
  reads: ({ path }) => [path],
  refusal({ path, controller }, { files }) {
    const flag = flagOf(files[path]);
    if (flag === undefined) return `${path} has no --controllers`;
    return flag.includes(controller) ? `${path} names ${controller} already` : undefined;
  },
  operations({ path, controller }, { files }) {
    const flag = flagOf(files[path]) ?? "";
    return [
      editFile(path, [{ find: flag, with: without(flag, controller) }], { pod: "kube-controller-manager" }),
    ];
  },
  symptom({ controller }) {
    const queue = controller.replace("-controller", "");
    return apiProbe(
      `the ${controller} does not run in the controller manager of this node`,
      // Every controller has a work queue by its name, as soon as the controller manager leads; the garbage collector is one.
      sh`metrics=$(administer get --raw /metrics --server https://127.0.0.1:10257 --insecure-skip-tls-verify) || exit 2
case $metrics in *${`workqueue_depth{name="${queue}"`}*) exit 1 ;; *'workqueue_depth{name="garbage_collector'*) exit 0 ;; esac
exit 2`,
    );
  },
  // A leader that ended keeps its lease for a quarter of a minute.
  patience: 120,
});
