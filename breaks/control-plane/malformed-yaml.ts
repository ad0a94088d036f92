import { defineBreak, editFile, noContainer, unreadableYaml } from "kbreak";

const pathOf = (component: string) => `/etc/kubernetes/manifests/${component}.yaml`;

/** The last line that is indented by as much as a tab is wide: with a tab instead it looks the same. */
const lastIndented = (manifest: string) => manifest.lastIndexOf("\n        ");

export default defineBreak({
  title: "A manifest with a tab in it",
  summary:
    "Eight spaces of a static pod's manifest become one tab. It looks the same in every terminal, and it is no YAML any more: the kubelet cannot read the file, and ends the pod as if the manifest had been removed.",
  difficulty: "medium",
  source: "Klustered, Container Solutions and Aerospike",
  reboot: "survives",
  needs: { roles: ["control-plane"], commands: ["kubectl"] },
  parameters: {
    type: "object",
    properties: {
      component: {
        type: "string",
        enum: ["kube-controller-manager", "kube-scheduler", "kube-apiserver", "etcd"],
        default: "kube-controller-manager",
        description: "Without kube-apiserver or etcd there is no API.",
      },
    },
    additionalProperties: false,
  },
  sees: "The component is gone, its manifest is there and looks right. Without the controller manager Deployments make no pods, and nodes that die are not noticed.",
  hints: [
    "Something that should run does not, and its description looks perfect.",
    "The one who has to read it complains about it. Who is that?",
    "`journalctl -u kubelet | grep -i manifest`, then `cat -t` the file: ^I is a tab.",
  ],
  find: [
    "kubectl label --local -f /etc/kubernetes/manifests/kube-controller-manager.yaml --dry-run=client a=b 2>&1 || true",
    "grep -nP '\\t' /etc/kubernetes/manifests/*.yaml",
  ],
  fix: ["sed -i 's/\\t/        /' /etc/kubernetes/manifests/kube-controller-manager.yaml"],
  metric: 'absent(up{job="kube-controller-manager"}); kubelet_working_pods{static="true"}.',
  prevention:
    "Write manifests by kubeadm only, keep them in version control, and let a linter read what is to be rolled out.",
  reads: ({ component }) => [pathOf(component)],
  refusal({ component }, { files }) {
    const text = files[pathOf(component)];
    if (text === undefined) return `there is no ${pathOf(component)}`;
    return lastIndented(text) < 0
      ? `${pathOf(component)} has no line that is indented by a tab's width`
      : undefined;
  },
  operations({ component }, { files }) {
    const text = files[pathOf(component)] ?? "";
    const at = lastIndented(text);
    // The whole text, as a piece to be replaced must be in the file once.
    return [
      editFile(pathOf(component), [{ find: text, with: `${text.slice(0, at)}\n\t${text.slice(at + 9)}` }]),
    ];
  },
  symptom: ({ component }, { activeUnits }) =>
    activeUnits.includes("kubelet.service") ? noContainer(component) : unreadableYaml(pathOf(component)),
  // The kubelet looks every twenty seconds, and gives a pod thirty to end.
  patience: 90,
});
