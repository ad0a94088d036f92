import { type Shell, sh, trusted } from "../shell.ts";

/** How etcdctl is run on a node, as facts know it. */
export interface EtcdClient {
  /** `host`: etcdctl of the node. `container`: etcdctl inside etcd's static pod, by crictl. */
  readonly via: "host" | "container";
  readonly endpoint: string;
  readonly cacert: string;
  readonly cert: string;
  readonly key: string;
}

export const etcdClientSchema = {
  type: "object",
  properties: {
    via: { enum: ["host", "container"] },
    endpoint: { type: "string" },
    cacert: { type: "string" },
    cert: { type: "string" },
    key: { type: "string" },
  },
  required: ["via", "endpoint", "cacert", "cert", "key"],
  additionalProperties: false,
} as const;

/** Shell function `ectl` around etcdctl; the variables are set by {@link etcdVariables}. */
export const etcdLibrary = trusted(String.raw`
ectl() { # arguments of etcdctl
  set -- --endpoints="$ETCD_ENDPOINT" --cacert="$ETCD_CACERT" --cert="$ETCD_CERT" --key="$ETCD_KEY" \
    --command-timeout=10s --dial-timeout=5s "$@"
  if [ "$ETCD_VIA" = host ]; then ETCDCTL_API=3 etcdctl "$@"
  else
    id=$(crictl ps -q --name '^etcd$' --state Running | head -n 1)
    [ -n "$id" ] || { echo "no etcd container is running" >&2; return 1; }
    crictl exec -i "$id" etcdctl "$@"
  fi
}
`);

/** Says for the scripts that follow which etcd is meant. */
export function etcdVariables(client: EtcdClient): Shell {
  return sh`ETCD_VIA=${client.via} ETCD_ENDPOINT=${client.endpoint} ETCD_CACERT=${client.cacert} ETCD_CERT=${client.cert} ETCD_KEY=${client.key}`;
}
