import { namespaceNodes } from "./grounds.ts";
import { apiBreaks, breaksOfFiles, everyBreak, prove } from "./proof.ts";

// Two nodes prove the breaks side by side: the others are in proof-files.test.ts.
prove({
  ground: namespaceNodes,
  breaks: [
    // Those of API objects are in refused.test.ts: without an API nothing of them can be seen.
    ...everyBreak.filter((id) => !breaksOfFiles.includes(id) && !apiBreaks.includes(id)),
    // Their defaults are for a kubelet.
    "network/firewall-drop port=2379",
    "network/firewall-drop traffic=udp",
    "network/port-squatter unit=etcd.service port=2379",
    "systemd/paths-hidden unit=cron.service path=/etc/cron.d setting=TemporaryFileSystem",
    "systemd/process-frozen unit=etcd.service port=2379",
    "systemd/unit-stopped unit=cron.service state=masked",
    "systemd/unit-stopped unit=etcd.service state=disabled",
    "systemd/unit-stopped unit=cron.service state=stopped",
  ],
});
