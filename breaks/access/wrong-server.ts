import { defineBreak, editFile, kubectlAsks } from "kbreak";

/** The server's address as the kubeconfig has it, and as it becomes. */
function addresses(text: string | undefined, protocol: string, port: number) {
  const present = /^ *server: *(https?:\/\/\S+)$/m.exec(text ?? "")?.[1];
  const wrong = present?.replace(/^https?:\/\/(\[[^\]]*\]|[^:/]+)(:\d+)?/, `${protocol}://$1:${port}`);
  return { present, wrong };
}

export default defineBreak({
  title: "A kubeconfig for another door",
  summary:
    "The server's address in a kubeconfig has two digits of its port swapped, or begins with http. The API server is well, and kubectl never reaches it.",
  difficulty: "easy",
  source: "Klustered path",
  reboot: "survives",
  needs: { roles: ["control-plane"], commands: ["kubectl"] },
  parameters: {
    type: "object",
    properties: {
      kubeconfig: {
        type: "string",
        pattern: "^/",
        default: "/etc/kubernetes/admin.conf",
        description: "The kubeconfig; also the kubelet's, or one of the control plane's.",
      },
      port: {
        type: "integer",
        minimum: 1,
        maximum: 65535,
        default: 6434,
        description: "The port that it asks: one that looks right, or one where something else answers.",
      },
      protocol: {
        type: "string",
        enum: ["https", "http"],
        default: "https",
        description: "With the right port, http alone is wrong enough.",
      },
    },
    additionalProperties: false,
  },
  sees: '"The connection to the server … was refused", or "Client sent an HTTP request to an HTTPS server". All pods run.',
  hints: [
    "Is the API server really down?",
    "Read the address in the error, digit by digit.",
    "`kubectl config view --minify` against `ss -ltn`, or against /etc/kubernetes/kubelet.conf.",
  ],
  find: ["grep -H server: /etc/kubernetes/*.conf"],
  fix: [
    "kubectl config set-cluster kubernetes --kubeconfig=/etc/kubernetes/admin.conf --server=$(sed -n 's/^ *server: *//p' /etc/kubernetes/kubelet.conf)",
  ],
  metric: "None on the side of the API server, whose apiserver_request_total knows nothing of the requests.",
  prevention:
    "Hand out kubeconfigs from one place (kubeadm kubeconfig, an identity provider), and do not edit them.",
  reads: ({ kubeconfig }) => [kubeconfig],
  refusal({ kubeconfig, protocol, port }, { files }) {
    const { present, wrong } = addresses(files[kubeconfig], protocol, port);
    if (present === undefined) return `${kubeconfig} names no server`;
    return wrong === present ? `${kubeconfig} asks ${present} already` : undefined;
  },
  operations({ kubeconfig, protocol, port }, { files }) {
    const { present = "", wrong = "" } = addresses(files[kubeconfig], protocol, port);
    return [editFile(kubeconfig, [{ find: present, with: wrong }])];
  },
  symptom: ({ kubeconfig, protocol, port }, { files }) =>
    kubectlAsks(kubeconfig, addresses(files[kubeconfig], protocol, port).wrong ?? ""),
});
