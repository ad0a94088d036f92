import { namespaceNodes } from "./grounds.ts";
import { everyBreak, prove } from "./proof.ts";

prove({
  ground: namespaceNodes,
  breaks: [
    ...everyBreak,
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
