import { createObject, defineBreak, podRefused } from "kbreak";

export default defineBreak({
  title: "A webhook that leads nowhere",
  summary:
    "The API server has to ask a webhook about every new pod, and the Service behind it does not exist. Its failure policy is Fail, so no pod is created any more. What runs goes on running, until a pod has to be replaced.",
  difficulty: "easy",
  source: "Klustered (Rawkode)",
  needs: { roles: ["control-plane"], target: "cluster" },
  reboot: "survives",
  parameters: {
    type: "object",
    properties: {
      name: {
        type: "string",
        pattern: "^[a-z0-9-]+(\\.[a-z0-9-]+){2,}$",
        default: "pods.policy.k8s.io",
        description: "Name of the webhook and its configuration.",
      },
      service: {
        type: "string",
        pattern: "^[a-z][a-z0-9-]*$",
        default: "policy-controller",
        description: "The Service in kube-system that does not exist.",
      },
      namespace: {
        type: "string",
        pattern: "^[a-z0-9-]+$",
        default: "default",
        description: "Where no pod is created any more.",
      },
    },
    additionalProperties: false,
  },
  sees: "No new pod: the ReplicaSet's events, and whoever creates one by hand, say that calling a webhook failed.",
  hints: [
    "What runs, runs. What happens when a pod is to be replaced?",
    "The API server asks somebody else before it creates a pod. Whom?",
    "`kubectl get validatingwebhookconfigurations`, and the Service that it names: `kubectl -n kube-system get service`.",
  ],
  find: [
    "kubectl get validatingwebhookconfigurations {name} -o jsonpath='{.webhooks[*].clientConfig.service}'",
  ],
  fix: ["kubectl delete validatingwebhookconfigurations {name}"],
  metric: 'apiserver_admission_webhook_rejection_count{error_type="calling_webhook_error"}.',
  prevention:
    "Give webhooks failurePolicy Ignore, or several replicas and a namespace selector that spares what they need themselves.",
  asks: ({ service }) => [`/api/v1/namespaces/kube-system/services/${service}`],
  refusal: ({ service }, { objects }) =>
    objects[`/api/v1/namespaces/kube-system/services/${service}`] === undefined
      ? undefined
      : `there is a Service kube-system/${service}`,
  operations: ({ name, service, namespace }) => [
    createObject({
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: { name },
      webhooks: [
        {
          name,
          clientConfig: { service: { namespace: "kube-system", name: service, path: "/validate" } },
          rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
          failurePolicy: "Fail",
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
        },
      ],
    }),
  ],
  symptom: ({ namespace }) => podRefused(namespace, "failed calling webhook"),
});
