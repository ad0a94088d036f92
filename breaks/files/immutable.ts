import { attributes, defineBreak, writeRefused } from "kbreak";

export default defineBreak({
  title: "A file that nobody can write",
  summary:
    "The immutable flag is set on a file that Kubernetes or its administrator must write. Mode and owner look right, and even root is refused: the flag is not shown by `ls`.",
  difficulty: "medium",
  source: "Klustered VI; What David Flanagan Learned",
  reboot: "survives",
  needs: { roles: ["control-plane"] },
  parameters: {
    type: "object",
    properties: {
      path: {
        type: "string",
        pattern: "^/",
        default: "/etc/kubernetes/manifests/kube-apiserver.yaml",
        description: "The file: a manifest, a kubeconfig, or etcd's database.",
      },
    },
    additionalProperties: false,
  },
  sees: 'Saving the file ends in "Operation not permitted", as root, with free space and a writable disk.',
  hints: [
    "Root is not allowed to do everything.",
    "There is more to a file than what `ls -l` shows.",
    "`lsattr` lists attribute flags, and `chattr` takes them away.",
  ],
  find: ["lsattr -d /etc/kubernetes/manifests/kube-apiserver.yaml"],
  fix: ["chattr -i /etc/kubernetes/manifests/kube-apiserver.yaml"],
  metric:
    "None by itself; file integrity monitoring (auditd: a watch on the path, or on the ioctl FS_IOC_SETFLAGS) tells.",
  prevention: "Drop CAP_LINUX_IMMUTABLE from everything that runs on the node, and audit who becomes root.",
  operations: ({ path }) => [attributes(path, "i")],
  symptom: ({ path }) => writeRefused(path),
});
