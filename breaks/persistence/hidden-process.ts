import {
  defineBreak,
  editFile,
  ownService,
  processUnseen,
  relapseParameters,
  relapseRepair,
  relapseScript,
  writeFile,
} from "kbreak";

export default defineBreak({
  title: "A process that is mounted away",
  summary:
    "A service puts the broken version of a file back every second. Over its process's folder in /proc another folder is mounted, so that ps, top and pgrep do not know of it: they only read what is there.",
  difficulty: "hard",
  source: "Klustered, Jetstack and CrashBeerBackOff",
  reboot: "re-arms",
  needs: { roles: ["control-plane"] },
  parameters: {
    type: "object",
    properties: {
      ...relapseParameters,
      unit: {
        type: "string",
        pattern: "^[a-z0-9][a-z0-9-]*$",
        default: "kernel-writeback",
        description: "Name of the unit, and of its script in /usr/local/lib.",
      },
    },
    additionalProperties: false,
  },
  sees: "A repair is gone a second later. ps, top and pgrep show nothing that could do it.",
  hints: [
    "Something runs. Who says that nothing does?",
    "ps only reads files. What if they are not there to be read?",
    "`grep ' /proc/[0-9]' /proc/self/mountinfo`, then `umount` it; `systemctl status` of a unit with a Main PID that has no name.",
  ],
  find: ["grep -o ' /proc/[0-9]* ' /proc/self/mountinfo", "systemctl status kernel-writeback.service | cat"],
  fix: [
    "systemctl disable --now kernel-writeback.service",
    "rm -f /etc/systemd/system/kernel-writeback.service /usr/local/lib/kernel-writeback",
    "systemctl daemon-reload",
    relapseRepair,
  ],
  metric:
    "node_procs_running against what ps counts; process_exporter misses what cAdvisor's control groups show.",
  prevention: "Audit mount(2), and alert on mount points below /proc.",
  operations({ unit, ...relapse }) {
    const script = `/usr/local/lib/${unit}`;
    return [
      editFile(relapse.path, [{ find: relapse.find, with: relapse.replace }]),
      writeFile(script, relapseScript(relapse, "while sleep 1; do relapse; done"), { mode: "0755" }),
      // The kernel takes the mount away with the process.
      ...ownService(unit, "Kernel Writeback Accounting", script, [
        `ExecStartPost=mount --bind /proc/fs /proc/\${MAINPID}`,
      ]),
    ];
  },
  symptom: ({ unit }) => processUnseen(`${unit}.service`),
});
