import {
  appendFile,
  defineBreak,
  editFile,
  ownService,
  preload,
  processUnseen,
  relapseParameters,
  relapseRepair,
  relapseScript,
  writeFile,
} from "kbreak";

export default defineBreak({
  title: "A library that looks away",
  summary:
    "A service puts the broken version of a file back every second. A library that every program loads first leaves this one process, and its script, out of all listings: ps, top, ls and find are sound, and lie.",
  difficulty: "hard",
  source: "Klustered #11 (Kris Nóva)",
  reboot: "re-arms",
  dangers: ["lockout"],
  needs: { roles: ["control-plane"] },
  parameters: {
    type: "object",
    properties: {
      ...relapseParameters,
      unit: {
        type: "string",
        pattern: "^[a-z0-9][a-z0-9-]*$",
        default: "journal-compact",
        description: "Name of the unit, and of its script in /usr/local/lib.",
      },
      library: {
        type: "string",
        pattern: "^(/(?!\\.\\.?(/|$))[A-Za-z0-9_.@+-]+)+\\.so$",
        default: "/usr/local/lib/libnss-cache.so",
        description: "The library, which is compiled on the node.",
      },
    },
    additionalProperties: false,
  },
  sees: "A repair is gone a second later. ps shows nothing that could do it, only a `sleep` whose parent is not in the list.",
  hints: [
    "Count what you do not see.",
    "Two tools that agree may share what lies to them. Which tools share nothing?",
    "`cat /etc/ld.so.preload`. A static program (`busybox ps`) and `systemd-cgls` see more.",
  ],
  find: ["cat /etc/ld.so.preload", "systemctl status journal-compact.service | cat"],
  fix: [
    "rm -f /etc/ld.so.preload",
    "systemctl disable --now journal-compact.service",
    "rm -f /etc/systemd/system/journal-compact.service /usr/local/lib/journal-compact /usr/local/lib/libnss-cache.so",
    "systemctl daemon-reload",
    relapseRepair,
  ],
  metric: "None by itself; auditd or Falco on writes to /etc/ld.so.preload, which no node needs.",
  prevention:
    "Watch /etc/ld.so.preload, keep compilers off the nodes, and do forensics with static tools of your own.",
  operations({ unit, library, ...relapse }) {
    const script = `/usr/local/lib/${unit}`;
    return [
      editFile(relapse.path, [{ find: relapse.find, with: relapse.replace }]),
      writeFile(script, relapseScript(relapse, "while sleep 1; do relapse; done"), { mode: "0755" }),
      ...ownService(unit, "Journal Compaction", script),
      preload(library, script),
      appendFile("/etc/ld.so.preload", library),
    ];
  },
  symptom: ({ unit }) => processUnseen(`${unit}.service`),
});
