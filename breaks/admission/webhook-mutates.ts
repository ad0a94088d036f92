import {
  createObject,
  defineBreak,
  imageWebhookManifest,
  imageWebhookProgram,
  ownService,
  podGetsAnotherImage,
  writeFile,
} from "kbreak";

const PKI = "/etc/kubernetes/pki";
const MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml";
const addressOf = (manifest = "") => /--advertise-address=([\d.]+)/.exec(manifest)?.[1];
const image = { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9._:/-]*$" } as const;

export default defineBreak({
  title: "A webhook that knows better",
  summary:
    "Every new pod that asks for one image gets another one: a mutating webhook writes it into the pod, not into its Deployment. The webhook is a service on the control plane node. Pods that were made meanwhile keep their image, after undo too, until they are made anew.",
  difficulty: "hard",
  source: "Klustered, Carlos Santana",
  reboot: "re-arms",
  needs: {
    roles: ["control-plane"],
    target: "cluster",
    commands: ["kubectl", "openssl", "perl"],
    units: ["kubelet.service"],
  },
  parameters: {
    type: "object",
    properties: {
      name: {
        type: "string",
        pattern: "^[a-z][a-z0-9-]*[a-z0-9]$",
        default: "pod-defaults",
        description: "Name of the service, its program in /usr/local/lib, and the webhook.",
      },
      namespace: {
        type: "string",
        pattern: "^[a-z0-9-]+$",
        default: "default",
        description: "The namespace whose pods it changes.",
      },
      asked: { ...image, default: "web:v2", description: "The image that a pod's first container asks for." },
      given: { ...image, default: "web:v1", description: "The image that it gets." },
      port: {
        type: "integer",
        minimum: 1024,
        maximum: 65535,
        default: 9444,
        description: "Where it listens.",
      },
    },
    additionalProperties: false,
  },
  sees: "A Deployment has the new version, and its pods have the old one. A rollout succeeds and changes nothing.",
  hints: [
    "Compare what was asked for with what came of it.",
    "Between a ReplicaSet and its pods somebody has had another opinion.",
    "`kubectl get mutatingwebhookconfigurations -o yaml`: see where its url leads, and `ss -tlnp` there.",
  ],
  find: [
    "kubectl get mutatingwebhookconfigurations {name} -o jsonpath='{.webhooks[*].clientConfig.url}'",
    "systemctl cat {name}.service",
  ],
  fix: [
    "kubectl delete mutatingwebhookconfigurations {name}",
    "systemctl disable --now {name}.service",
    "rm /etc/systemd/system/{name}.service /usr/local/lib/{name}",
    "systemctl daemon-reload",
  ],
  metric:
    'apiserver_admission_webhook_request_total{type="admit"}; annotations mutation.webhook.admission.k8s.io of the audit log.',
  prevention: "Alert on new webhook configurations, let few people make them, and admit images by digest.",
  reads: () => [MANIFEST, `${PKI}/ca.crt`],
  refusal({ asked, given }, { files }) {
    if (asked === given) return `asked and given are both ${asked}`;
    if (files[`${PKI}/ca.crt`] === undefined) return `there is no ${PKI}/ca.crt`;
    return addressOf(files[MANIFEST]) ? undefined : `${MANIFEST} has no --advertise-address of IPv4`;
  },
  operations({ name, port, ...wish }, { files }) {
    const program = `/usr/local/lib/${name}`;
    const listen = `${addressOf(files[MANIFEST])}:${port}`;
    // The API server's own certificate is for that address, too.
    const server = `${PKI}/apiserver`;
    const webhook = { ...wish, name, listen, server, authority: files[`${PKI}/ca.crt`] ?? "" };
    return [
      writeFile(program, imageWebhookProgram(webhook), { mode: "0755" }),
      ...ownService(name, "Defaults of pods", program),
      createObject(imageWebhookManifest(webhook), { actor: true }),
    ];
  },
  symptom: ({ namespace, asked }) => podGetsAnotherImage(namespace, asked),
});
