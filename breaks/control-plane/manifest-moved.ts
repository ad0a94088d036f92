import { defineBreak, move, noContainer } from "kbreak";

const MANIFESTS = "/etc/kubernetes/manifests";

export default defineBreak({
  title: "A manifest that is out of sight",
  summary:
    "The manifest of a part of the control plane gets a dot before its name. The kubelet ignores such files, so it ends the static pod as if it had been removed.",
  difficulty: "easy",
  source: "Klustered part IV",
  reboot: "survives",
  needs: { roles: ["control-plane"], units: ["kubelet.service"] },
  parameters: {
    type: "object",
    properties: {
      component: {
        type: "string",
        enum: ["kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"],
        default: "kube-scheduler",
        description: "Without kube-apiserver or etcd there is no API.",
      },
    },
    additionalProperties: false,
  },
  sees: "The component's pod is gone: without the scheduler new pods stay Pending, and nobody says why.",
  hints: [
    "Count the parts of the control plane.",
    "Where does the kubelet take them from?",
    "`ls -la /etc/kubernetes/manifests`: not every file there is shown without -a.",
  ],
  find: [`ls -la ${MANIFESTS}`],
  fix: [`mv ${MANIFESTS}/.kube-scheduler.yaml ${MANIFESTS}/kube-scheduler.yaml`],
  metric: 'absent(up{job="kube-scheduler"}).',
  prevention:
    "Watch the folder of manifests with auditd, and alert when a part of the control plane is absent.",
  operations: ({ component }) => [move(`${MANIFESTS}/${component}.yaml`, `${MANIFESTS}/.${component}.yaml`)],
  symptom: ({ component }) => noContainer(component),
  // The kubelet looks every twenty seconds, and gives a pod thirty to end.
  patience: 90,
});
