import { defineBreak, editFile, podsNameserverSilent } from "kbreak";

const CONFIG = "/var/lib/kubelet/config.yaml";
const serverOf = (config: string) => /^clusterDNS:\n *- *(\S+)$/m.exec(config)?.[0];

export default defineBreak({
  title: "New pods ask the wrong name server",
  summary:
    "The kubelet writes another address into the resolv.conf of new pods than the one CoreDNS has. Pods that run keep the right one, so it shows only after a restart, and on this node only.",
  difficulty: "medium",
  source: "Klustered (Rawkode)",
  reboot: "survives",
  needs: { units: ["kubelet.service"] },
  parameters: {
    type: "object",
    properties: {
      server: {
        type: "string",
        pattern: "^[0-9a-f.:]+$",
        default: "10.96.0.1",
        description: "The address that new pods get; kubeadm's is 10.96.0.10.",
      },
    },
    additionalProperties: false,
  },
  sees: "Names do not resolve in pods that were started on this node since; in older ones, and on other nodes, they do.",
  hints: [
    "Old pods are well, new ones are not. What did they get at birth?",
    "Look at the same file in two pods.",
    `/etc/resolv.conf of a new pod, then clusterDNS in ${CONFIG}`,
  ],
  find: [`grep -A 1 clusterDNS ${CONFIG}`],
  fix: [`sed -i '/^clusterDNS:/{n;s/- .*/- 10.96.0.10/}' ${CONFIG}`, "systemctl restart kubelet"],
  metric: "coredns_dns_requests_total that falls while pods start.",
  prevention:
    "Compare the kubelets' configuration of all nodes (`kubectl get --raw /api/v1/nodes/NAME/proxy/configz`).",
  reads: () => [CONFIG],
  refusal({ server }, { files }) {
    const found = serverOf(files[CONFIG] ?? "");
    if (found === undefined) return `${CONFIG} names no name server for pods`;
    return found.endsWith(` ${server}`) ? `${CONFIG} says ${server} already` : undefined;
  },
  operations({ server }, { files }) {
    const found = serverOf(files[CONFIG] ?? "") ?? "";
    return [
      editFile(CONFIG, [{ find: found, with: found.replace(/\S+$/, server) }], {
        restart: "kubelet.service",
      }),
    ];
  },
  symptom: () => podsNameserverSilent(),
});
