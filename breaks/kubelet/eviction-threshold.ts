import { defineBreak, editFile, nodeCondition, writeFile } from "kbreak";

/** kubeadm's drop-in of the kubelet reads it behind its own flags. */
const SETTINGS = "/etc/default/kubelet";
const ARGUMENTS = /^KUBELET_EXTRA_ARGS=("?)(.*)\1$/m;

export default defineBreak({
  title: "A kubelet that is never content",
  summary:
    "The kubelet is to keep more memory free than the node can spare. It reports MemoryPressure, evicts pods, and takes no new ones. The evicted stay listed as such, also behind undo.",
  difficulty: "medium",
  source: "Klustered path (Marino Wijay & John Anderson)",
  reboot: "survives",
  dangers: ["data-loss"],
  needs: { units: ["kubelet.service"] },
  parameters: {
    type: "object",
    properties: {
      threshold: {
        type: "string",
        pattern: "^[a-z]+\\.[A-Za-z]+<[0-9.]+(%|[KMG]i)$",
        default: "memory.available<99%",
        description: "As --eviction-hard takes it. It replaces all that the kubelet had there.",
      },
    },
    additionalProperties: false,
  },
  sees: "The node has MemoryPressure with plenty of memory free; its pods are evicted, and new ones stay Pending.",
  hints: [
    "Believe the node's condition, then measure it yourself.",
    "How much is enough? Somebody has told the kubelet.",
    "`systemctl cat kubelet` names the files that its flags come from.",
  ],
  find: ["ps -C kubelet -o args= | tr ' ' '\\n' | grep eviction", `cat ${SETTINGS}`],
  fix: [`sed -i 's/ *--eviction-hard=[^ "]*//' ${SETTINGS}`, "systemctl restart kubelet"],
  metric: 'kube_node_status_condition{condition="MemoryPressure"}; kubelet_evictions.',
  prevention: "Set the kubelet's thresholds in its configuration file only, the same one on all nodes.",
  reads: () => [SETTINGS],
  refusal(_parameters, { files }) {
    return files[SETTINGS]?.includes("--eviction-hard")
      ? `${SETTINGS} sets --eviction-hard already`
      : undefined;
  },
  operations({ threshold }, { files }) {
    const text = files[SETTINGS];
    const flag = `--eviction-hard=${threshold}`;
    const restart = { restart: "kubelet.service" };
    const [line, , present] = ARGUMENTS.exec(text ?? "") ?? [];
    const setting = `KUBELET_EXTRA_ARGS="${[present, flag].filter((word) => word).join(" ")}"`;
    if (line !== undefined) return [editFile(SETTINGS, [{ find: line, with: setting }], restart)];
    return [writeFile(SETTINGS, `${text ?? ""}${setting}\n`, restart)];
  },
  symptom: () => nodeCondition("MemoryPressure", "False"),
  patience: 60,
});
