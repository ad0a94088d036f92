import {
  attributes,
  defineBreak,
  editFile,
  firewallRule,
  sysctl,
  textPresent,
  unit,
  writeFile,
} from "kbreak";

const file = "/etc/sysctl.d/99-kubernetes-cri.conf";
const service = "node-watch.service";

/** What every contender of `npm run bench` does; ../../work has the same by hand and for Ansible. */
export default defineBreak({
  title: "Five changes of five kinds",
  summary:
    "What the benchmark does to each node: a file is edited, another made immutable, a unit added and started, a firewall rule, and a kernel setting.",
  difficulty: "easy",
  source: "npm run bench",
  reboot: "survives",
  parameters: { type: "object", properties: {}, additionalProperties: false },
  sees: "The file of kernel settings says that nothing is forwarded.",
  hints: [
    "Compare the files of kernel settings with those of another node.",
    "Who may write to /etc/kubernetes/kubelet.conf, and what runs that was not there before?",
    "lsattr, systemctl, iptables and sysctl show one change each.",
  ],
  find: [`cat ${file}`],
  fix: [`sed -i 's/= 0/= 1/' ${file}`],
  metric: "None: it is not a riddle, but something to be measured.",
  prevention: "Nothing has to be prevented: it is only there to be measured.",
  operations: () => [
    editFile(file, [{ find: "= 1", with: "= 0" }]),
    attributes("/etc/kubernetes/kubelet.conf", "i"),
    writeFile(`/etc/systemd/system/${service}`, "[Service]\nExecStart=/bin/sleep infinity\n", {
      reload: service,
    }),
    unit(service, { active: true }),
    firewallRule(["-p", "udp", "--dport", "9", "-j", "DROP"]),
    sysctl("net.ipv4.ip_default_ttl", 63),
  ],
  symptom: () => textPresent(file, "ip_forward = 0"),
});
