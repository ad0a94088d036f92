import { defineBreak, portSquatted, process, unit } from "kbreak";

export default defineBreak({
  title: "Somebody sits on the port",
  summary:
    "A service is stopped, and another program listens on its port before it is back. The service's next start, and each one after that, ends at once, as the address is in use.",
  difficulty: "easy",
  source: "Klustered, ARMO and Kong (a Python program on a NodePort)",
  reboot: "vanishes",
  parameters: {
    type: "object",
    properties: {
      unit: {
        type: "string",
        pattern: "^[A-Za-z0-9:_.@-]+\\.service$",
        default: "kubelet.service",
        description: "The service whose port it is.",
      },
      port: {
        type: "integer",
        minimum: 1,
        maximum: 65535,
        default: 10250,
        description: "Its TCP port.",
      },
    },
    additionalProperties: false,
  },
  sees: 'The node is NotReady, and the kubelet restarts for ever: "bind: address already in use". Whoever connects to the port is let in and shown the door.',
  hints: [
    "The service says why it does not start.",
    "There can be only one on a port. Who is it?",
    "`ss -ltnp` shows the program and its process id.",
  ],
  find: ["ss -ltnp 'sport = :{port}'", "systemctl status {unit} | head -n 4 || true"],
  fix: [
    "kill $(ss -Hltnp 'sport = :{port}' | sed -n 's/.*pid=\\([0-9]*\\).*/\\1/p' | sort -u)",
    "while ss -Hltn 'sport = :{port}' | grep -q .; do sleep 0.2; done",
    "systemctl start {unit}",
  ],
  metric: "node_systemd_unit_state of the service; changes of its process_start_time_seconds.",
  prevention: "Alert on listeners that do not belong to a node, and on units that restart for ever.",
  refusal: ({ port }, { spare }) =>
    spare.includes(port) ? `port ${port} is to be kept reachable` : undefined,
  operations: ({ unit: name, port }) => [
    unit(name, { active: false }),
    // It comes with systemd, so every node has it, and it lets each connection go at once.
    process("systemd-socket-activate", `--listen=${port}`, "--accept", "--inetd", "true"),
  ],
  symptom: ({ unit: name, port }) => portSquatted(port, name),
});
