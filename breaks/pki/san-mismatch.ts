import { certificateForOthers, defineBreak, editFile, type Facts, reissued } from "kbreak";

const PKI = "/etc/kubernetes/pki";
const serverOf = (kubeconfig = "") => /server: https:\/\/\[?([^\]\s/]+?)\]?:\d+\/?\s/.exec(kubeconfig)?.[1];

interface Wish {
  readonly certificate: string;
  readonly authority: string;
  readonly kubeconfig: string;
  readonly address: string;
}

/** The certificate for another address than that by which it is reached; `undefined` when that cannot be had. */
function readdressed({ certificate, authority, kubeconfig, address }: Wish, { files }: Facts) {
  const ca = { certificate: files[`${authority}.crt`] ?? "", key: files[`${authority}.key`] ?? "" };
  const renamed = { from: serverOf(files[kubeconfig]) ?? "", to: address };
  return reissued(files[certificate] ?? "", ca, { renamed });
}

export default defineBreak({
  title: "A certificate for another address",
  summary:
    "The API server's certificate is signed anew by the cluster's own authority, with the same key and dates, but with another address in the place of the one by which everybody reaches it. Connections that are open stay open, so it spreads slowly.",
  difficulty: "medium",
  source: "Kubernetes Bare Metal Deep Dive",
  reboot: "survives",
  needs: { roles: ["control-plane"], commands: ["openssl"] },
  parameters: {
    type: "object",
    properties: {
      certificate: {
        type: "string",
        pattern: "^/",
        default: `${PKI}/apiserver.crt`,
        description: "The certificate. The API server reads its own again by itself.",
      },
      authority: {
        type: "string",
        pattern: "^/",
        default: `${PKI}/ca`,
        description: "The authority that has signed it: path of its .crt and .key, without the ending.",
      },
      kubeconfig: {
        type: "string",
        pattern: "^/",
        default: "/etc/kubernetes/kubelet.conf",
        description: "The kubeconfig that tells by which address the server is reached.",
      },
      address: {
        type: "string",
        pattern: "^[0-9a-f.:]+$",
        default: "10.0.2.15",
        description: "The address that it is valid for instead.",
      },
    },
    additionalProperties: false,
  },
  sees: 'kubectl and every component that connects anew say "x509: certificate is valid for …, not …".',
  hints: [
    "Read the error to its end. It names two lists, and they should have something in common.",
    "A certificate is for names. Under which of them do you call?",
    `\`openssl x509 -noout -ext subjectAltName -in ${PKI}/apiserver.crt\`, and the server in /etc/kubernetes/admin.conf. \`kubeadm certs renew\` takes the names from the old one.`,
  ],
  find: [`openssl x509 -noout -ext subjectAltName -in ${PKI}/apiserver.crt`],
  fix: [
    "server=$(sed -n 's#.*server: https://\\(.*\\):.*#\\1#p' /etc/kubernetes/kubelet.conf)",
    `openssl x509 -noout -ext subjectAltName -in ${PKI}/apiserver.crt | sed -n "s/IP Address/IP/g;s/10.0.2.15/$server/;\\$s/^ */subjectAltName=/p" >/tmp/names`,
    `openssl x509 -x509toreq -in ${PKI}/apiserver.crt -signkey ${PKI}/apiserver.key -out /tmp/request`,
    `openssl x509 -req -in /tmp/request -extfile /tmp/names -days 365 -CA ${PKI}/ca.crt -CAkey ${PKI}/ca.key -out ${PKI}/apiserver.new`,
    `mv ${PKI}/apiserver.new ${PKI}/apiserver.crt`,
    "rm /tmp/names /tmp/request",
  ],
  metric: "apiserver_request_total that falls, and x509 errors in the logs of all its clients.",
  prevention: "Name all addresses in certSANs of kubeadm's configuration, the load balancer's, too.",
  reads: ({ certificate, authority, kubeconfig }) => [
    certificate,
    `${authority}.crt`,
    `${authority}.key`,
    kubeconfig,
  ],
  refusal: (parameters, facts) =>
    readdressed(parameters, facts) === undefined
      ? `${parameters.certificate} is not signed by ${parameters.authority}, or not for the server of ${parameters.kubeconfig}, or the authority's key is not on this node`
      : undefined,
  operations(parameters, facts) {
    const present = facts.files[parameters.certificate] ?? "";
    return [
      editFile(parameters.certificate, [{ find: present, with: readdressed(parameters, facts) ?? present }]),
    ];
  },
  symptom: ({ certificate, kubeconfig }, { files }) =>
    certificateForOthers(certificate, serverOf(files[kubeconfig]) ?? ""),
});
