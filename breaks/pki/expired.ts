import { certificateOutOfTime, defineBreak, editFile, reissued } from "kbreak";

const PKI = "/etc/kubernetes/pki";

/** The certificate as the lab's own authority signs it, but ended; `undefined` when that cannot be had. */
function ended(
  { certificate, authority, days }: { certificate: string; authority: string; days: number },
  files: Readonly<Record<string, string>>,
): string | undefined {
  const ca = { certificate: files[`${authority}.crt`] ?? "", key: files[`${authority}.key`] ?? "" };
  return reissued(files[certificate] ?? "", ca, { endedBefore: days });
}

export default defineBreak({
  title: "A certificate that has expired",
  summary:
    "A certificate of the control plane is signed anew by the cluster's own authority, with the same key and names, but for a time that is over. Everything about it is right, but for the date.",
  difficulty: "easy",
  source: "Klustered (Container Solutions); Kubernetes Bare Metal Deep Dive",
  reboot: "survives",
  needs: { roles: ["control-plane"], commands: ["openssl"] },
  parameters: {
    type: "object",
    properties: {
      certificate: {
        type: "string",
        pattern: "^/",
        default: `${PKI}/apiserver.crt`,
        description: "The certificate. The API server and etcd read theirs again by themselves.",
      },
      authority: {
        type: "string",
        pattern: "^/",
        default: `${PKI}/ca`,
        description: "The authority that has signed it: path of its .crt and .key, without the ending.",
      },
      days: {
        type: "integer",
        minimum: 1,
        maximum: 365,
        default: 1,
        description: "Days between its end and the day on which the present one begins.",
      },
    },
    additionalProperties: false,
  },
  sees: 'kubectl and every component say "x509: certificate has expired or is not yet valid"; what runs goes on running.',
  hints: [
    "Read the error to its end. It says when it is, and when it should be.",
    "The clocks are right. What else has a date?",
    "`openssl x509 -noout -dates -in /etc/kubernetes/pki/apiserver.crt`, or `kubeadm certs check-expiration` and `kubeadm certs renew apiserver`.",
  ],
  find: [`for one in ${PKI}/*.crt; do echo $one; openssl x509 -noout -enddate -in $one; done`],
  fix: [
    `openssl x509 -in ${PKI}/apiserver.crt -days 365 -CA ${PKI}/ca.crt -CAkey ${PKI}/ca.key -out ${PKI}/apiserver.new`,
    `mv ${PKI}/apiserver.new ${PKI}/apiserver.crt`,
  ],
  metric:
    "apiserver_client_certificate_expiration_seconds; probe_ssl_earliest_cert_expiry of a blackbox exporter.",
  prevention:
    "Renew long before the end: kubeadm does so at every upgrade. Alert when less than a month is left.",
  reads: ({ certificate, authority }) => [certificate, `${authority}.crt`, `${authority}.key`],
  refusal(parameters, { files }) {
    return ended(parameters, files) === undefined
      ? `${parameters.certificate} is not signed by ${parameters.authority}, or its key is not on this node`
      : undefined;
  },
  operations(parameters, { files }) {
    const { certificate } = parameters;
    const present = files[certificate] ?? "";
    return [editFile(certificate, [{ find: present, with: ended(parameters, files) ?? present }])];
  },
  symptom: ({ certificate }) => certificateOutOfTime(certificate),
});
