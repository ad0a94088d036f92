import { defineBreak, mount, relapseParameters, textPresent, writeFile } from "kbreak";

export default defineBreak({
  title: "The file on the disk is innocent",
  summary:
    "A broken copy of a configuration file is mounted over it. Everybody reads the copy; the file on the disk, its backup and its package are sound, and it cannot be replaced.",
  difficulty: "hard",
  source: "Klustered part V",
  reboot: "vanishes",
  needs: { roles: ["control-plane"] },
  parameters: {
    type: "object",
    properties: {
      ...relapseParameters,
      copy: {
        type: "string",
        pattern: "^(/(?!\\.\\.?(/|$))[A-Za-z0-9_.@+:-]+)+$",
        default: "/usr/local/share/.kube-scheduler.yaml",
        description: "Where the broken copy goes.",
      },
    },
    additionalProperties: false,
  },
  sees: 'The file is wrong, and `sed -i` and `mv` end in "Device or resource busy". What is edited in place goes into the copy, and is gone after a reboot.',
  hints: [
    "You are not looking at what you think you are looking at.",
    "Why can root write a file, but not put another in its place?",
    "`findmnt` lists what is mounted where, files among it; then `umount` it.",
  ],
  find: ["findmnt --target /etc/kubernetes/manifests/kube-scheduler.yaml"],
  fix: [
    "umount /etc/kubernetes/manifests/kube-scheduler.yaml",
    "rm -f /usr/local/share/.kube-scheduler.yaml",
  ],
  metric: "node_filesystem_size_bytes by mountpoint: one below /etc/kubernetes that no other node has.",
  prevention: "Compare the mounts of a node with those of its image, and audit mount(2).",
  reads: ({ path }) => [path],
  refusal({ path, find }, { files }) {
    const text = files[path];
    if (text === undefined) return `there is no ${path}`;
    return text.split(find).length === 2
      ? undefined
      : `${JSON.stringify(find)} is not exactly once in ${path}`;
  },
  operations: ({ path, find, replace, copy }, { files }) => [
    writeFile(
      copy,
      (files[path] ?? "").replace(find, () => replace),
      { mode: "0600" },
    ),
    mount(copy, path),
  ],
  symptom: ({ path, replace }) => textPresent(path, replace),
});
