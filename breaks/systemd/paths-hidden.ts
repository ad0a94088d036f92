import { defineBreak, editFile, pathHidden } from "kbreak";

/** Where packages and kubeadm put a unit's files: what systemd reads last comes first. */
const filesOf = (unit: string) =>
  ["/etc", "/usr/lib", "/lib"].flatMap((root) => [
    `${root}/systemd/system/${unit}.d/10-kubeadm.conf`,
    `${root}/systemd/system/${unit}`,
  ]);

const SERVICE = "[Service]\n";

/** The first file that has a section for the service. */
const fileOf = (unit: string, files: Readonly<Record<string, string>>) =>
  filesOf(unit).find((path) => files[path]?.includes(SERVICE));

const hiding = (setting: string, path: string) =>
  setting === "InaccessiblePaths" ? `-${path}` : `${path}:ro`;

export default defineBreak({
  title: "A service that does not see what is there",
  summary:
    "A line in the service's unit file hides a folder from it: the kubelet looks at an empty folder of manifests and ends the control plane, while you look at a full one. The files, their owners and modes are right.",
  difficulty: "hard",
  source: "Klustered, community 2 and rawkode_null",
  reboot: "survives",
  parameters: {
    type: "object",
    properties: {
      unit: {
        type: "string",
        pattern: "^[A-Za-z0-9:_.@-]+\\.service$",
        default: "kubelet.service",
        description: "The service. It is restarted.",
      },
      path: {
        type: "string",
        pattern: "^(/[A-Za-z0-9_.-]+)+$",
        default: "/etc/kubernetes/manifests",
        description: "What it shall not see, such as /etc/kubernetes/manifests or /etc/kubernetes/pki.",
      },
      setting: {
        type: "string",
        enum: ["InaccessiblePaths", "TemporaryFileSystem"],
        default: "InaccessiblePaths",
        description: "The second one is for folders, and leaves an empty one that can be read.",
      },
    },
    additionalProperties: false,
  },
  sees: "The static pods of the node go, one after the other, and with them the API. The manifests are where they belong; the kubelet runs and complains about nothing that you can see.",
  hints: [
    "You see it. Who else should?",
    "A service may live in a world of its own.",
    "`systemctl cat kubelet`, then look with the eyes of its process: `ls /proc/PID/root/etc/kubernetes/manifests`.",
  ],
  find: [
    "systemctl cat {unit} | grep -n '{path}'",
    "systemctl show -p InaccessiblePaths -p TemporaryFileSystem {unit}",
  ],
  fix: [
    "sed -i '\\#^{setting}=.*{path}#d' $(systemctl show -p FragmentPath -p DropInPaths --value {unit})",
    "systemctl daemon-reload",
    "systemctl restart {unit}",
  ],
  metric: 'kubelet_working_pods{static="true"} that falls to 0.',
  prevention:
    "Keep unit files in version control, and let the package manager verify them (`dpkg --verify`).",
  reads: ({ unit }) => filesOf(unit),
  refusal({ unit, setting, path }, { files }) {
    const file = fileOf(unit, files);
    if (file === undefined) return `none of the files of ${unit} has a section [Service] of its own`;
    return files[file]?.includes(`${setting}=${hiding(setting, path)}`)
      ? `${file} hides ${path} already`
      : undefined;
  },
  operations({ unit, setting, path }, { files }) {
    const file = fileOf(unit, files) ?? "";
    const line = `${setting}=${hiding(setting, path)}\n`;
    return [editFile(file, [{ find: SERVICE, with: `${SERVICE}${line}` }], { reload: unit, restart: unit })];
  },
  symptom: ({ unit, path }) => pathHidden(unit, path),
  patience: 30,
});
