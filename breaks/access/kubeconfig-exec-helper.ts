import { credentialsFromHelper, defineBreak, quote, scale, withExecHelper, writeFile } from "kbreak";

const superAdmin = "/etc/kubernetes/super-admin.conf";

/** Not by the kubeconfig that runs the helper, or each kubectl would start another one for ever. */
function scaling(deployment: string): string {
  const [namespace = "", name = ""] = deployment.split("/");
  return `kubectl --kubeconfig=${superAdmin} -n ${quote(namespace)} scale --replicas=0 deployment ${quote(name)}`;
}

export default defineBreak({
  title: "A kubeconfig that runs a program",
  summary:
    "The kubeconfig's user gets its credentials from a helper. The helper returns exactly the credentials that were there, so everything works, and runs a payload at every kubectl.",
  difficulty: "hard",
  source: "Klustered, The Community vs. Rawkode",
  reboot: "re-arms",
  needs: { roles: ["control-plane"], commands: ["kubectl"] },
  parameters: {
    type: "object",
    properties: {
      kubeconfig: {
        type: "string",
        pattern: "^/",
        default: "/etc/kubernetes/admin.conf",
        description: "A kubeconfig with its credentials in it.",
      },
      helper: {
        type: "string",
        pattern: "^/",
        default: "/usr/local/bin/kube-auth-metal",
        description: "Where the helper goes.",
      },
      payload: {
        type: "string",
        default: "date >> /var/tmp/.auth-cache",
        description:
          "A shell command that the helper runs at every kubectl. Of what it does, undo takes back the trace only.",
      },
      trace: {
        type: "string",
        default: "/var/tmp/.auth-cache",
        description: "The file that the payload writes, which undo removes; empty when it writes none.",
      },
      deployment: {
        type: "string",
        pattern: "^([^/]+/[^/]+)?$",
        default: "",
        description:
          "A Deployment, as namespace/name, that is scaled to 0 now and again at every kubectl; undo brings its pods back. Empty: none.",
      },
    },
    additionalProperties: false,
  },
  sees: "Whatever the payload does happens again with each kubectl; nothing on the node runs by itself.",
  hints: [
    "It only happens while you are looking.",
    "How does kubectl authenticate?",
    "Read `users[].user.exec` of the kubeconfig.",
  ],
  find: [
    "kubectl config view --kubeconfig=/etc/kubernetes/admin.conf -o jsonpath='{.users[*].user.exec.command}'",
  ],
  fix: [
    '/usr/local/bin/kube-auth-metal | sed \'s/.*"clientCertificateData":"\\([^"]*\\)".*/\\1/; s/\\\\n/\\n/g\' > /root/admin.crt',
    '/usr/local/bin/kube-auth-metal | sed \'s/.*"clientKeyData":"\\([^"]*\\)".*/\\1/; s/\\\\n/\\n/g\' > /root/admin.key',
    "kubectl config unset users.kubernetes-admin.exec --kubeconfig=/etc/kubernetes/admin.conf",
    "kubectl config set-credentials kubernetes-admin --kubeconfig=/etc/kubernetes/admin.conf --embed-certs --client-certificate=/root/admin.crt --client-key=/root/admin.key",
    "rm -f /root/admin.crt /root/admin.key",
  ],
  metric: "apiserver_audit_event_total for writes of the admin; execsnoop on the node.",
  prevention: "Treat kubeconfigs as code: never use one that others can write, and review `exec` in them.",
  reads: ({ kubeconfig }) => [kubeconfig, superAdmin],
  refusal({ kubeconfig, helper, deployment }, facts) {
    if (deployment !== "" && (kubeconfig === superAdmin || facts.files[superAdmin] === undefined))
      return `it scales a deployment by ${superAdmin}, which has to be there and another file than its kubeconfig`;
    const text = facts.files[kubeconfig];
    if (text === undefined) return `there is no ${kubeconfig}`;
    return withExecHelper(text, helper) ? undefined : `${kubeconfig} has no credentials in it to hand on`;
  },
  operations({ kubeconfig, helper, payload, trace, deployment }, facts) {
    const sabotaged = withExecHelper(facts.files[kubeconfig] ?? "", helper);
    if (sabotaged === undefined) return [];
    // A shell of its own: a payload's syntax error or comment must not keep the credentials back.
    const again = deployment === "" ? "" : `${scaling(deployment)} >/dev/null 2>&1 &\n`;
    const script = `#!/bin/sh\nsh -c ${quote(payload)} >/dev/null 2>&1 &\n${again}printf '%s\\n' ${quote(sabotaged.credential)}\n`;
    return [
      // Undone last, when nothing scales it down any more.
      ...(deployment === "" ? [] : [scale(deployment, 0)]),
      ...(trace === "" ? [] : [writeFile(trace, "", { mode: "0600", grows: true })]),
      writeFile(helper, script, { mode: "0700", actor: deployment !== "" }),
      writeFile(kubeconfig, sabotaged.kubeconfig),
    ];
  },
  symptom: ({ kubeconfig }) => credentialsFromHelper(kubeconfig),
});
