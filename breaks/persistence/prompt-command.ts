import {
  appendFile,
  defineBreak,
  editFile,
  relapseParameters,
  relapseRepair,
  relapseScript,
  textPresent,
  writeFile,
} from "kbreak";

export default defineBreak({
  title: "Your own prompt breaks it",
  summary:
    "bash runs what PROMPT_COMMAND says before it shows a prompt. Here it puts the broken version of a file back: whoever repairs it breaks it with the next line that they type.",
  difficulty: "medium",
  source: "Klustered, Rawkode's own and Cloud Native London 2022",
  reboot: "re-arms",
  dangers: ["lockout"],
  needs: { roles: ["control-plane"] },
  parameters: {
    type: "object",
    properties: {
      ...relapseParameters,
      startup: {
        type: "string",
        pattern: "^/",
        default: "/root/.bashrc",
        description: "The start-up file of the fixer's shell.",
      },
      script: {
        type: "string",
        pattern: "^/[A-Za-z0-9/._-]+$",
        default: "/usr/local/lib/bash-title",
        description: "Where the script goes that the prompt runs.",
      },
    },
    additionalProperties: false,
  },
  sees: "A repair is gone as soon as the next prompt is there; by another way in, such as scp, it stays.",
  hints: [
    "It only happens while you are there.",
    "Your editor saved it well. What did your shell do then?",
    "`declare -p PROMPT_COMMAND`; start-up files: /etc/profile, /etc/bash.bashrc, ~/.bashrc.",
  ],
  find: ["grep -n PROMPT_COMMAND /root/.bashrc"],
  fix: [
    "unset PROMPT_COMMAND",
    "sed -i '/^PROMPT_COMMAND=.*bash-title/d' /root/.bashrc",
    "rm -f /usr/local/lib/bash-title",
    relapseRepair,
  ],
  metric: "None by itself; auditd on the folder of manifests names the shell that wrote.",
  prevention:
    "Repair nodes by configuration management and not in a shell; compare start-up files with the image's.",
  operations: ({ startup, script, ...relapse }) => [
    editFile(relapse.path, [{ find: relapse.find, with: relapse.replace }]),
    writeFile(script, relapseScript(relapse), { mode: "0755" }),
    // A shell that is open keeps the line after undo: without the script it does nothing.
    appendFile(startup, `PROMPT_COMMAND='[ ! -x ${script} ] || ${script}'`),
  ],
  symptom: ({ path, replace }) => textPresent(path, replace),
});
