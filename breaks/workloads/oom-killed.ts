import { createObject, defineBreak, NODES, nodesIn, ownWorkload, podsStuck } from "kbreak";

/** A shell that holds 40 MB. */
const LOAD = "index=$(head -c 40000000 /dev/zero | tr '\\0' x); while :; do sleep 60; done";

export default defineBreak({
  title: "A memory limit for another program",
  summary:
    "A Deployment reads its index into memory and has a limit that is smaller than the index. The kernel kills it in the middle of it, the kubelet starts it again, and nothing ever stands in its log.",
  difficulty: "easy",
  source: "lesson 07 of the course (workloads)",
  reboot: "survives",
  needs: { roles: ["control-plane"], target: "cluster" },
  parameters: {
    type: "object",
    properties: {
      namespace: { type: "string", pattern: "^[a-z0-9-]+$", default: "default", description: "Where it is." },
      name: {
        type: "string",
        pattern: "^[a-z][a-z0-9-]*$",
        default: "search-index",
        description: "Name of the Deployment.",
      },
      memory: {
        type: "string",
        pattern: "^[0-9]+Mi$",
        default: "16Mi",
        description: "Its limit: less than the 40 MB that it reads, and enough to be started at all.",
      },
      image: {
        type: "string",
        pattern: "^[a-z0-9]",
        default: "busybox:1",
        description: "An image with a shell that a node holds.",
      },
    },
    additionalProperties: false,
  },
  sees: "CrashLoopBackOff, and no word in the log: the container ended by OOMKilled with exit code 137.",
  hints: [
    "It is stopped in the middle of a sentence.",
    "Who ended it? Its last state tells the reason, and the code 137 the signal.",
    "`kubectl describe pod`: Last State, and Limits beside it.",
  ],
  find: [
    "kubectl get pods -l app=search-index",
    "kubectl get deployment search-index -o jsonpath='{.spec.template.spec.containers[0].resources}'",
  ],
  fix: [
    "kubectl set resources deployment search-index --limits memory=128Mi",
    "kubectl rollout status deployment search-index --timeout 90s",
  ],
  metric: 'kube_pod_container_status_last_terminated_reason{reason="OOMKilled"}; container_oom_events_total.',
  prevention: "Set limits from what was measured (container_memory_working_set_bytes), with room to spare.",
  asks: () => [NODES],
  refusal({ image }, facts) {
    const there = nodesIn(facts).some(({ open, images }) =>
      images.some((name) => open && (name === image || name.endsWith(`/${image}`))),
    );
    return there ? undefined : `no node holds the image ${image}: name one that has a shell`;
  },
  operations({ namespace, name, memory, image }) {
    const container = {
      name,
      image,
      imagePullPolicy: "IfNotPresent",
      command: ["sh", "-c", LOAD],
      resources: { limits: { memory }, requests: { memory } },
      // Not ready before it could have been killed.
      readinessProbe: { exec: { command: ["true"] }, initialDelaySeconds: 5, periodSeconds: 2 },
    };
    const template = {
      metadata: { labels: { app: name } },
      spec: { terminationGracePeriodSeconds: 0, containers: [container] },
    };
    return [createObject(ownWorkload("Deployment", name, namespace, template))];
  },
  symptom: ({ namespace, name }) => podsStuck(namespace, `app=${name}`, "OOMKilled"),
  patience: 90,
});
