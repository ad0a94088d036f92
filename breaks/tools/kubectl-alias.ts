import { appendFile, defineBreak, loginShellSays } from "kbreak";

const REFUSED =
  "The connection to the server localhost:8080 was refused - did you specify the right host or port?";

/** Both fail with the message on standard error, whatever is asked of them. */
const FORMS = {
  alias: `alias kubectl='echo "${REFUSED}" >&2; false'`,
  function: `kubectl() { echo "${REFUSED}" >&2; return 1; }`,
} as const;

export default defineBreak({
  title: "A word that means something else",
  summary:
    "The shell's start-up file makes kubectl an alias, or a function, that says what kubectl says without a kubeconfig. No kubeconfig helps, as kubectl is never started.",
  difficulty: "easy",
  source: "Klustered (BookClub, Ambassador Labs)",
  reboot: "survives",
  dangers: ["lockout"],
  needs: { commands: ["kubectl"] },
  parameters: {
    type: "object",
    properties: {
      startup: {
        type: "string",
        pattern: "^/",
        default: "/root/.bashrc",
        description: "The start-up file of the fixer's shell.",
      },
      form: {
        type: "string",
        enum: ["alias", "function"],
        default: "alias",
        description: "An alias is for what is typed; a function is for scripts that are sourced, too.",
      },
    },
    additionalProperties: false,
  },
  sees: '"The connection to the server localhost:8080 was refused", whatever KUBECONFIG says; in scripts and by sudo it works.',
  hints: [
    "You repair the kubeconfig, and nothing changes. Who says that it is the kubeconfig?",
    "The shell decides what a word means before it looks for a program.",
    "`type kubectl`; a backslash before the name, or its full path, passes an alias by.",
  ],
  find: ["bash -ic 'type kubectl' 2>/dev/null"],
  fix: ["sed -i '/^alias kubectl=/d; /^kubectl() /d' /root/.bashrc"],
  metric: "None: no request leaves the node, and the API server's metrics show that.",
  prevention:
    "Log in with a shell that reads no start-up files (`bash --norc --noprofile`) when something is odd.",
  operations: ({ startup, form }) => [appendFile(startup, FORMS[form])],
  symptom: () => loginShellSays("kubectl version --client", "localhost:8080 was refused"),
});
