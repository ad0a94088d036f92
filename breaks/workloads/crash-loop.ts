import { defineBreak, deploymentIn, deploymentPath, podsStuck, rolloutRefusal, setFields } from "kbreak";

export default defineBreak({
  title: "A container that ends as soon as it starts",
  summary:
    "An update of a Deployment starts another program than the image has, so its new pod fails again and again, each time after a longer pause. The old pods stay until a new one is ready, which it never is: the service is up, and the update hangs.",
  difficulty: "easy",
  source: "lesson 07 of the course (workloads)",
  reboot: "survives",
  needs: { roles: ["control-plane"], target: "cluster" },
  parameters: {
    type: "object",
    properties: {
      deployment: {
        type: "string",
        pattern: "^[a-z0-9.-]+/[a-z0-9.-]+$",
        default: "default/web",
        description: "The Deployment, as namespace/name; the first container of its pods is the one.",
      },
      program: {
        type: "string",
        pattern: "^/",
        default: "/usr/local/bin/web-server",
        description: "A program that its image does not have.",
      },
    },
    additionalProperties: false,
  },
  sees: "CrashLoopBackOff: one pod restarts again and again; `kubectl rollout status` does not come back.",
  hints: [
    "Something does not live long enough to be asked.",
    "What did it say before it ended, and with which code?",
    "`kubectl logs --previous`: its shell does not find the program. See `command` in the Deployment.",
  ],
  find: [
    "kubectl get pods",
    "kubectl get deployment web -o jsonpath='{.spec.template.spec.containers[0].command}'",
  ],
  fix: ["kubectl rollout undo deployment web", "kubectl rollout status deployment web --timeout 60s"],
  metric:
    'kube_pod_container_status_waiting_reason{reason="CrashLoopBackOff"}, or a growing kube_pod_container_status_restarts_total.',
  prevention: "Wait for `kubectl rollout status` in the pipeline, and let it undo what does not come up.",
  asks: ({ deployment }) => [deploymentPath(deployment)],
  refusal: ({ deployment }, facts) => rolloutRefusal(deployment, facts),
  operations({ deployment, program }, facts) {
    const { container } = deploymentIn(deployment, facts);
    // By a shell, so that there is something to read in its log; without one it fails all the same.
    const command = ["sh", "-c", `exec ${program}`];
    return [
      setFields(`deployment.apps/${deployment}`, {
        [`spec.template.spec.containers[name=${container.name}].command`]: command,
      }),
    ];
  },
  symptom({ deployment }, facts) {
    const { namespace, selector } = deploymentIn(deployment, facts);
    return podsStuck(namespace, selector, "CrashLoopBackOff", "Error", "StartError");
  },
  patience: 60,
});
