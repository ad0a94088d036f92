import { defineBreak, editFile, nameResolvesTo } from "kbreak";

const HOSTS = "/etc/hosts";

/** So far to the right that the line looks empty in a terminal that cuts off what does not fit. */
const MARGIN = " ".repeat(90);

export default defineBreak({
  title: "The registry lives here",
  summary:
    "A line of /etc/hosts says that the image registries are this very node. It begins with ninety spaces, so it looks like an empty one. DNS answers rightly, to everybody who asks it.",
  difficulty: "medium",
  source: "Klustered, teams with Giant Swarm and others",
  reboot: "survives",
  parameters: {
    type: "object",
    properties: {
      names: {
        type: "array",
        items: { type: "string", pattern: "^[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+$" },
        default: ["registry.k8s.io", "registry-1.docker.io", "ghcr.io", "quay.io"],
        description: "Host names, with a dot.",
      },
      address: {
        type: "string",
        pattern: "^[0-9]+(\\.[0-9]+){3}$",
        default: "127.0.0.1",
        description: "The address that they get.",
      },
    },
    additionalProperties: false,
  },
  sees: "ImagePullBackOff for every image that is not on the node yet: connection refused. `dig` and `nslookup` show the right address.",
  hints: [
    "Where does the node think that the images come from?",
    "A name server is not the first that a program asks.",
    "`getent hosts registry.k8s.io`, then look at /etc/hosts: scroll to the right.",
  ],
  find: ["getent hosts registry.k8s.io", `grep -n '^ ' ${HOSTS}`],
  fix: [`sed -i '/^ \\{90\\}/d' ${HOSTS}`],
  metric: 'kubelet_runtime_operations_errors_total{operation_type="pull_image"}.',
  prevention: "Let configuration management own /etc/hosts, and watch it with auditd.",
  reads: () => [HOSTS],
  refusal({ names }, { files }) {
    const text = files[HOSTS] ?? "";
    if (names.length === 0) return "`names` is empty";
    if (text.trim() === "") return `${HOSTS} is not there, or empty`;
    const known = names.find((name) => text.split(/\s+/).includes(name));
    return known === undefined ? undefined : `${HOSTS} knows ${known} already`;
  },
  operations({ names, address }, { files }) {
    const text = files[HOSTS] ?? "";
    const line = `${MARGIN}${address} ${names.join(" ")}\n`;
    return [editFile(HOSTS, [{ find: text, with: `${text.replace(/\n?$/, "\n")}${line}` }])];
  },
  symptom: ({ names, address }) => nameResolvesTo(names[0] ?? "", address),
});
