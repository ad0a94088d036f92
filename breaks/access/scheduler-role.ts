import { apiProbe, defineBreak, deleteObject, sh } from "kbreak";

export default defineBreak({
  title: "A scheduler without rights",
  summary:
    "The ClusterRoleBinding that gives the scheduler its rights is gone. The scheduler runs, holds its lease, and may not bind a pod to a node. The API server makes the binding anew whenever it starts.",
  difficulty: "medium",
  source: "Klustered, Philip Welz",
  needs: { roles: ["control-plane"], target: "cluster" },
  reboot: "vanishes",
  parameters: {
    type: "object",
    properties: {
      component: {
        type: "string",
        enum: ["system:kube-scheduler", "system:kube-controller-manager"],
        default: "system:kube-scheduler",
        description: "Whose binding it is: user, role and binding have the same name.",
      },
    },
    additionalProperties: false,
  },
  sees: "New pods stay Pending, the scheduler is Running, and its log says that it is forbidden to do its work.",
  hints: [
    "All components run. Does each of them get on with its work?",
    "Read the log of whoever should have acted. It knows what it wants, and who forbids it.",
    "`kubectl auth can-i create pods --subresource=binding --as=system:kube-scheduler`, and `kubectl get clusterrolebindings`.",
  ],
  find: ["kubectl get clusterrole {component}", "kubectl auth can-i --list --as={component}"],
  fix: ["kubectl create clusterrolebinding {component} --clusterrole={component} --user={component}"],
  metric: 'scheduler_pending_pods; apiserver_request_total{code="403"} by a component of the control plane.',
  prevention: "Alert on changes of objects named system:*, which nobody needs to change.",
  operations: ({ component }) => [deleteObject(`clusterrolebinding/${component}`)],
  symptom: ({ component }) =>
    apiProbe(
      `${component} may not create an event`,
      // Both of them write events, and only by this binding; nothing is stored by asking.
      sh`answer=$(administer auth can-i create events --namespace default ${`--as=${component}`} 2>/dev/null)
case $answer in yes) exit 1 ;; no*) exit 0 ;; esac
exit 2`,
    ),
});
