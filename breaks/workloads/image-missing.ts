import { defineBreak, deploymentIn, deploymentPath, podsStuck, rolloutRefusal, setFields } from "kbreak";

export default defineBreak({
  title: "An image that is not there",
  summary:
    "An update of a Deployment names a tag that nobody has built. Its new pod waits for an image that never comes; the old pods stay, so the service is up and the update hangs.",
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
      suffix: {
        type: "string",
        pattern: "^[A-Za-z0-9_.-]+$",
        default: "-alpine3",
        description: "What is put behind the tag of its image.",
      },
    },
    additionalProperties: false,
  },
  sees: "ImagePullBackOff, or ErrImageNeverPull where the policy is Never: one pod never starts.",
  hints: [
    "Not everything that was ordered exists.",
    "What does the new pod wait for? Its events say so.",
    "`kubectl describe pod` names the image; compare its tag with that of the old pods.",
  ],
  find: [
    "kubectl get pods",
    "kubectl get pods -l app=web -o jsonpath='{.items[*].spec.containers[*].image}'",
  ],
  fix: ["kubectl rollout undo deployment web", "kubectl rollout status deployment web --timeout 60s"],
  metric:
    'kube_pod_container_status_waiting_reason{reason=~"ImagePullBackOff|ErrImagePull|ErrImageNeverPull"}.',
  prevention: "Deploy by digest, from the pipeline that has pushed the image.",
  asks: ({ deployment }) => [deploymentPath(deployment)],
  refusal({ deployment }, facts) {
    const refused = rolloutRefusal(deployment, facts);
    if (refused !== undefined) return refused;
    const { image } = deploymentIn(deployment, facts).container;
    return image.includes("@")
      ? `${deployment} has an image by its digest, not by a tag: ${image}`
      : undefined;
  },
  operations({ deployment, suffix }, facts) {
    const { name, image } = deploymentIn(deployment, facts).container;
    const tagged = /:[^/]+$/.test(image) ? image : `${image}:latest`;
    return [
      setFields(`deployment.apps/${deployment}`, {
        [`spec.template.spec.containers[name=${name}].image`]: `${tagged}${suffix}`,
      }),
    ];
  },
  symptom({ deployment }, facts) {
    const { namespace, selector } = deploymentIn(deployment, facts);
    return podsStuck(namespace, selector, "ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff");
  },
  patience: 60,
});
