import { defineBreak, type Facts, mode, notExecutable } from "kbreak";

/** Their paths. One that is a part of a larger program, as in busybox or k3s, is left out: all of that would not run. */
const pathsOf = (programs: readonly string[], facts: Facts) => [
  ...new Set(
    programs.flatMap((name) => {
      const path = facts.programs[name];
      return path?.endsWith(`/${name}`) ? [path] : [];
    }),
  ),
];

export default defineBreak({
  title: "Tools that may not be run",
  summary:
    "The executable bit is taken off kubectl, kubeadm, crictl and perl, and off chmod itself, which would give it back. Root may read and write anything, but run only what somebody may run.",
  difficulty: "medium",
  source: "Klustered VI; What David Flanagan Learned",
  reboot: "survives",
  parameters: {
    type: "object",
    properties: {
      programs: {
        type: "array",
        items: { type: "string", pattern: "^[A-Za-z0-9._-]+$" },
        default: ["kubectl", "kubeadm", "crictl", "perl", "chmod"],
        description: "Names of programs; those that the node does not have are left out.",
      },
    },
    additionalProperties: false,
  },
  sees: '"Permission denied" for kubectl, as root. `chmod +x` ends in the same.',
  hints: [
    "You know what to do, and with what. That is the trouble.",
    "A program is a file that something else loads and runs. What?",
    "The dynamic loader takes a program as its argument: `/lib64/ld-linux-x86-64.so.2 /usr/bin/chmod`. `cp --no-preserve=mode` and `install -m 755` bring modes, too.",
  ],
  find: ["ls -l /usr/bin/chmod", "find /usr/bin /usr/local/bin -type f ! -perm /111"],
  fix: [
    "/lib64/ld-linux-x86-64.so.2 /usr/bin/chmod 755 /usr/bin/chmod",
    "chmod 755 $(ls -d /usr/bin/kubectl /usr/bin/kubeadm /usr/bin/crictl /usr/bin/perl 2>/dev/null)",
  ],
  metric: "None by itself; file integrity monitoring (debsums, AIDE) sees the modes.",
  prevention: "Verify the installed packages (`dpkg --verify`, `rpm -Va`), and audit chmod(2) on /usr.",
  programs: ({ programs }) => programs,
  refusal: ({ programs }, facts) =>
    pathsOf(programs, facts).length > 0
      ? undefined
      : `none of ${programs.join(", ")} is a program of its own here`,
  operations: ({ programs }, facts) => pathsOf(programs, facts).map((path) => mode(path, { mode: "0644" })),
  symptom: ({ programs }, facts) => notExecutable(pathsOf(programs, facts)),
});
