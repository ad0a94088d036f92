import { defineBreak, editFile, writesForbidden } from "kbreak";

const MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml";
const FLAG = "--enable-admission-plugins=AlwaysDeny";

/** The last line with a flag: far down, where nobody looks who has found the first one of that name. */
const lastFlag = (manifest: string) => manifest.match(/^ *- --.*$/gm)?.at(-1);

export default defineBreak({
  title: "An API server that says no to everything",
  summary:
    "The API server gets a second `--enable-admission-plugins`, at the end of its flags. Both lists are merged, and the plugin AlwaysDeny refuses every write, whoever asks. Reading works.",
  difficulty: "medium",
  source: "Klustered, Rawkode's own",
  reboot: "survives",
  needs: { roles: ["control-plane"], commands: ["kubectl"], units: ["kubelet.service"] },
  parameters: {
    type: "object",
    properties: {
      path: { type: "string", pattern: "^/", default: MANIFEST, description: "The API server's manifest." },
    },
    additionalProperties: false,
  },
  sees: 'Every write, the kubelet\'s too, ends in "is forbidden: admission control is denying all modifications".',
  hints: [
    "Reading works. What does a write pass that a read does not?",
    "It is not a matter of rights: not even the mightiest may.",
    "Read all flags of the API server, down to the last: `grep -n admission /etc/kubernetes/manifests/kube-apiserver.yaml`.",
  ],
  find: [`grep -n admission ${MANIFEST}`],
  fix: [`sed -i '/${FLAG}/d' ${MANIFEST}`],
  metric: 'apiserver_admission_controller_admission_duration_seconds_count{rejected="true"}.',
  prevention: "Keep the manifests of the control plane in version control, and alert on rejected requests.",
  reads: ({ path }) => [path],
  refusal({ path }, { files }) {
    const text = files[path];
    if (text === undefined) return `there is no ${path}`;
    if (text.includes(FLAG)) return `${path} has ${FLAG} already`;
    return lastFlag(text) === undefined ? `${path} has no flag` : undefined;
  },
  operations({ path }, { files }) {
    const last = lastFlag(files[path] ?? "") ?? "";
    return [editFile(path, [{ find: `${last}\n`, with: `${last}\n${last.replace(/--.*/, FLAG)}\n` }])];
  },
  symptom: () => writesForbidden(),
  // The old API server waits for its requests to end before the kubelet starts the new one.
  patience: 120,
});
