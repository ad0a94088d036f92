import { defineBreak, loginShellSays, quote, writeFile } from "kbreak";

const REFUSED =
  "The connection to the server 10.96.0.1:6443 was refused - did you specify the right host or port?";

export default defineBreak({
  title: "A kubectl that is not kubectl",
  summary:
    "A script named kubectl comes before the real one in the PATH. Every third time it claims that the server refused the connection; else it hands over to the real one. It may also deny that a namespace has anything in it.",
  difficulty: "medium",
  source: "Klustered #10 (Noel Georgi)",
  reboot: "survives",
  needs: { commands: ["kubectl"] },
  parameters: {
    type: "object",
    properties: {
      path: {
        type: "string",
        pattern: "^/.*/kubectl$",
        default: "/usr/local/bin/kubectl",
        description: "Where the script goes: a folder that comes before kubectl's own in the PATH.",
      },
      every: { type: "integer", minimum: 2, maximum: 20, default: 3, description: "How often it lies." },
      namespace: {
        type: "string",
        pattern: "^[a-z0-9-]*$",
        default: "",
        description: "A namespace in which it never finds anything; empty for none.",
      },
      count: {
        type: "string",
        pattern: "^/",
        default: "/var/cache/.kube-discovery",
        description: "The file in which it counts its calls.",
      },
    },
    additionalProperties: false,
  },
  sees: "The API server seems to flap: of three calls of kubectl one is refused, at once. curl is never refused.",
  hints: [
    "Ask the API server by another way, and count.",
    "A refusal needs somebody who refuses. Did anybody?",
    "`type -a kubectl`, then `file $(which kubectl)`. Even `kubectl version --client` is refused, which asks nobody.",
  ],
  find: ["type -a kubectl", "head -n 3 $(command -v kubectl)"],
  fix: ["rm -f /usr/local/bin/kubectl /var/cache/.kube-discovery"],
  metric:
    "None in the cluster: apiserver_request_total knows nothing of the refused calls, which is the hint.",
  prevention:
    "Compare the checksum of kubectl with that of its release, and watch /usr/local for new programs.",
  refusal({ path }, { programs }) {
    return programs.kubectl === path ? `${path} is kubectl itself: \`path\` must come before it` : undefined;
  },
  operations: ({ path, every, namespace, count }, { programs }) => [
    writeFile(count, "", { mode: "0666", grows: true }),
    writeFile(path, impostor(programs.kubectl ?? "", every, namespace, count), { mode: "0755" }),
  ],
  symptom: ({ every }) => loginShellSays("kubectl version --client", "was refused", every),
});

function impostor(kubectl: string, every: number, namespace: string, count: string): string {
  const denied = `case " $* " in *" -n ${namespace} "* | *" -n${namespace} "* | *" --namespace ${namespace} "* | *" --namespace=${namespace} "*)
  echo "No resources found in ${namespace} namespace." >&2
  exit 0 ;;
esac
`;
  return `#!/bin/sh
count=${quote(count)}
echo >>"$count"
if [ "$(wc -l <"$count")" -ge ${every} ]; then
  : >"$count"
  echo ${quote(REFUSED)} >&2
  exit 1
fi
${namespace === "" ? "" : denied}exec ${quote(kubectl)} "$@"
`;
}
