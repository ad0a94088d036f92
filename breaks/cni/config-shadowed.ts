import { defineBreak, podNetwork, writeFile } from "kbreak";

const FOLDER = "/etc/cni/net.d";

/** A network that works on this node, and leads nowhere else: point-to-point links with addresses of their own. */
const configOf = (network: string, subnet: string) => ({
  cniVersion: "1.0.0",
  name: network,
  plugins: [
    {
      type: "ptp",
      ipMasq: false,
      ipam: {
        type: "host-local",
        dataDir: "/run/cni-ipam-state",
        ranges: [[{ subnet }]],
        routes: [{ dst: "0.0.0.0/0" }],
      },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
});

export default defineBreak({
  title: "A network in front of the network",
  summary:
    "A second configuration, whose name sorts first, is the one that the container runtime takes. It is a valid one of a network that ends at the node's door, so the node stays Ready. Only pods that start from now on are in it, and they stay in it until they are deleted, also after an undo.",
  difficulty: "hard",
  source: "Klustered, Wildlife",
  reboot: "survives",
  needs: { units: ["kubelet.service"] },
  parameters: {
    type: "object",
    properties: {
      file: {
        type: "string",
        pattern: "^0[0-9A-Za-z_-]+\\.conflist$",
        default: "05-cilium.conflist",
        description: `Its name in ${FOLDER}; it must sort before the network add-on's.`,
      },
      network: {
        type: "string",
        pattern: "^[a-z][a-z0-9-]*$",
        default: "cilium",
        description: "Name of the network that it describes.",
      },
      subnet: {
        type: "string",
        pattern: "^[0-9]+(\\.[0-9]+){3}/[0-9]+$",
        default: "10.244.250.0/24",
        description: "Where its pods get their addresses: a part of the pods' network that no node has.",
      },
    },
    additionalProperties: false,
  },
  sees: "The node is Ready and its old pods are well. New ones run, too, and get addresses; they reach pods of other nodes and Services there not at all.",
  hints: [
    "What is new does not work, what is old does.",
    "Compare the addresses of an old and a new pod on this node.",
    "`ls /etc/cni/net.d`: the first one in the order of their names counts; `crictl info` shows it.",
  ],
  find: [`ls ${FOLDER}`, "crictl info | grep -i '\"name\":'"],
  fix: [`rm -f ${FOLDER}/05-cilium.conflist`],
  metric: "Addresses of pods (kube_pod_info) outside of their node's podCIDR (kube_node_spec_pod_cidr).",
  prevention: "Let only the network add-on write in /etc/cni/net.d, and compare the folder on all nodes.",
  operations: ({ file, network, subnet }) => [
    writeFile(`${FOLDER}/${file}`, `${JSON.stringify(configOf(network, subnet), undefined, 2)}\n`),
  ],
  symptom: ({ network }) => podNetwork(network),
  patience: 60,
});
