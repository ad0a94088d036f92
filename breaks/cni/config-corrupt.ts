import { defineBreak, editFile, nodeCondition } from "kbreak";

/** What the usual network add-ons call their file. */
const KNOWN = ["05-cilium", "10-calico", "10-canal", "10-flannel", "10-kindnet", "10-weave", "10-lab"].map(
  (name) => `/etc/cni/net.d/${name}.conflist`,
);

export default defineBreak({
  title: "A network configuration that nobody can read",
  summary:
    "The pod network's configuration file has a comma too many. The container runtime reads it anew whenever it is written, and from then on it has no network for pods.",
  difficulty: "medium",
  source: "Klustered path, NodeNotReady (Marino Wijay & John Anderson)",
  reboot: "survives",
  needs: { units: ["kubelet.service"] },
  parameters: {
    type: "object",
    properties: {
      path: {
        type: "string",
        pattern: "^(/|$)",
        default: "",
        description: "The configuration. Default: that of a well-known network add-on in /etc/cni/net.d.",
      },
    },
    additionalProperties: false,
  },
  sees: "The node is NotReady: container runtime network not ready, cni config uninitialized. Pods that run go on; new ones stay in ContainerCreating.",
  hints: [
    "The node itself says why it is not ready.",
    "Who reads the network's configuration, and what does it say about it?",
    "`journalctl -u containerd | grep -i cni`, then look at /etc/cni/net.d with a JSON parser.",
  ],
  find: [
    "journalctl -u containerd --no-pager | grep -i cni | tail -n 3",
    "head -n 3 /etc/cni/net.d/*.conflist",
  ],
  fix: ["sed -i '1,3s/{,/{/' /etc/cni/net.d/*.conflist"],
  metric: 'kube_node_status_condition{condition="Ready",status="false"}.',
  prevention: "Let only the network add-on write in /etc/cni/net.d, and compare the files of all nodes.",
  reads: ({ path }) => (path === "" ? KNOWN : [path]),
  refusal({ path }, { files }) {
    if (path !== "") return files[path]?.includes("{") ? undefined : `${path} is no network configuration`;
    return Object.keys(files).length > 0
      ? undefined
      : `there is none of ${KNOWN.join(", ")}: \`path\` must be given`;
  },
  operations({ path }, { files }) {
    const [file = path, text = ""] = Object.entries(files)[0] ?? [];
    const [first = ""] = text.split("\n");
    // Whole lines, as a piece to be replaced must be in the file once.
    return [editFile(file, [{ find: text, with: text.replace(first, first.replace("{", "{,")) }])];
  },
  symptom: () => nodeCondition("Ready", "True"),
  patience: 60,
});
