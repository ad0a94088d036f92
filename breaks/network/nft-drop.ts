import { defineBreak, nftTable, portSilent } from "kbreak";

export default defineBreak({
  title: "A firewall that iptables does not know",
  summary:
    "A table of nftables drops what comes for a port, before any other table is asked. `iptables -S` and `-L` show only what iptables has made itself, and are clean.",
  difficulty: "medium",
  source: "Klustered path, the network: what iptables does not show",
  reboot: "vanishes",
  dangers: ["lockout"],
  needs: { roles: ["control-plane"] },
  parameters: {
    type: "object",
    properties: {
      port: {
        type: "integer",
        minimum: 1,
        maximum: 65535,
        default: 2379,
        description: "TCP port, such as 2379 (etcd), 6443 (the API server) or 10250 (the kubelet).",
      },
      table: {
        type: "string",
        pattern: "^[A-Za-z_][A-Za-z0-9_-]{0,30}$",
        default: "systemd_fallback",
        description: "Name of the table.",
      },
    },
    additionalProperties: false,
  },
  sees: "New connections to the port hang until somebody gives up, those of the node itself too; the service runs and listens, and no rule of iptables tells why.",
  hints: [
    "The service is well. Who stands before it?",
    "The firewall is clean, says the tool. Is it the only tool?",
    "`nft list ruleset`, and look for a table that neither iptables nor kube-proxy has made.",
  ],
  find: ["nft list tables", "nft list table inet systemd_fallback"],
  fix: ["nft delete table inet systemd_fallback"],
  metric: "probe_success of a TCP check on the port; etcd_server_has_leader and apiserver_storage_db errors.",
  prevention: "Compare `nft list ruleset` of all nodes, not only iptables', and drop CAP_NET_ADMIN.",
  refusal({ port }, { spare, device }) {
    if (spare.includes(port)) return `port ${port} is to be kept reachable`;
    return device === undefined ? "there is no default route, so the node's address is not known" : undefined;
  },
  operations: ({ port, table }) => [
    nftTable(table, [
      // Before connection tracking (-200) and all that iptables has.
      {
        name: "early",
        type: "filter",
        hook: "prerouting",
        priority: -350,
        rules: [`tcp dport ${port} drop`],
      },
    ]),
  ],
  symptom: ({ port }, { device = "" }) => portSilent(device, port),
});
