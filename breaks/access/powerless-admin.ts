import { defineBreak, editFile, reissued, userInNoGroup, withClientCertificate, writeFile } from "kbreak";

/** The kubeconfig with a certificate of the same user, who is in no group; `undefined` when that cannot be had. */
function powerless(
  kubeconfig: string | undefined,
  authority: string,
  files: Readonly<Record<string, string>>,
) {
  const ca = { certificate: files[`${authority}.crt`] ?? "", key: files[`${authority}.key`] ?? "" };
  return withClientCertificate(kubeconfig ?? "", (present) => {
    const without = reissued(present, ca, { withoutGroups: true });
    return without === present ? undefined : without;
  });
}

export default defineBreak({
  title: "An administrator without rights",
  summary:
    "The administrator's certificate is signed anew by the cluster's own authority, with the same name, but without its group. Kubernetes binds rights to the group: the same user may do nothing. The sound kubeconfig lies beside it, with a dot before its name.",
  difficulty: "medium",
  source: "Klustered, team Carta",
  reboot: "survives",
  needs: { roles: ["control-plane"], commands: ["kubectl", "openssl"] },
  parameters: {
    type: "object",
    properties: {
      kubeconfig: {
        type: "string",
        pattern: "^/",
        default: "/etc/kubernetes/admin.conf",
        description: "A kubeconfig with its credentials in it.",
      },
      sound: {
        type: "string",
        pattern: "^/",
        default: "/etc/kubernetes/.admin.conf",
        description: "Where the sound one is kept for the fixer to find.",
      },
      authority: {
        type: "string",
        pattern: "^/",
        default: "/etc/kubernetes/pki/ca",
        description: "The authority of its certificate: path of its .crt and .key, without the ending.",
      },
    },
    additionalProperties: false,
  },
  sees: '"Forbidden: User \\"kubernetes-admin\\" cannot list resource …", for every resource, with the name of the administrator.',
  hints: [
    "The API server knows who you are. Does it know what you are?",
    "Rights come from bindings. To whom are those of an administrator bound?",
    "`kubectl auth whoami` tells the groups; `ls -la /etc/kubernetes`; /etc/kubernetes/super-admin.conf goes past all bindings.",
  ],
  find: [
    "ls -la /etc/kubernetes",
    "kubectl config view --raw --minify --kubeconfig=/etc/kubernetes/admin.conf -o jsonpath='{.users[0].user.client-certificate-data}' | base64 -d | openssl x509 -noout -subject",
  ],
  fix: ["mv /etc/kubernetes/.admin.conf /etc/kubernetes/admin.conf"],
  metric: 'apiserver_request_total{code="403"}; the audit log names the user and its groups.',
  prevention:
    "Keep the authority's key off the nodes, and super-admin.conf in a safe place for the day that needs it.",
  reads: ({ kubeconfig, authority }) => [kubeconfig, `${authority}.crt`, `${authority}.key`],
  refusal: ({ kubeconfig, authority }, { files }) =>
    powerless(files[kubeconfig], authority, files) === undefined
      ? `${kubeconfig} has no certificate of ${authority} in it, or the authority's key is not on this node`
      : undefined,
  operations({ kubeconfig, sound, authority }, { files }) {
    const text = files[kubeconfig] ?? "";
    return [
      writeFile(sound, text, { mode: "0600" }),
      editFile(kubeconfig, [{ find: text, with: powerless(text, authority, files) ?? text }]),
    ];
  },
  symptom: ({ kubeconfig }) => userInNoGroup(kubeconfig),
});
