import { credentialsFromHelper, defineBreak, quote, withExecHelper, writeFile } from "kbreak";

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
          "A shell command that the helper runs at every kubectl. On a cluster: kubectl --kubeconfig … scale --replicas=0 …",
      },
      trace: {
        type: "string",
        default: "/var/tmp/.auth-cache",
        description: "The file that the payload writes, which undo removes; empty when it writes none.",
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
  reads: ({ kubeconfig }) => [kubeconfig],
  refusal({ kubeconfig, helper }, facts) {
    const text = facts.files[kubeconfig];
    if (text === undefined) return `there is no ${kubeconfig}`;
    return withExecHelper(text, helper) ? undefined : `${kubeconfig} has no credentials in it to hand on`;
  },
  operations({ kubeconfig, helper, payload, trace }, facts) {
    const sabotaged = withExecHelper(facts.files[kubeconfig] ?? "", helper);
    if (sabotaged === undefined) return [];
    // A shell of its own: a payload's syntax error or comment must not keep the credentials back.
    const script = `#!/bin/sh\nsh -c ${quote(payload)} >/dev/null 2>&1 &\nprintf '%s\\n' ${quote(sabotaged.credential)}\n`;
    return [
      ...(trace === "" ? [] : [writeFile(trace, "", { mode: "0600", grows: true })]),
      writeFile(helper, script, { mode: "0700" }),
      writeFile(kubeconfig, sabotaged.kubeconfig),
    ];
  },
  symptom: ({ kubeconfig }) => credentialsFromHelper(kubeconfig),
});
