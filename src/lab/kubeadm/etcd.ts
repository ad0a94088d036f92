const pki = "/etc/kubernetes/pki/etcd";

/** `/etc/default/etcd`: what kubeadm gives its etcd as flags, for Debian's unit. */
export function etcdEnvironment(name: string, address: string): string {
  const variables = {
    ETCD_NAME: name,
    ETCD_DATA_DIR: "/var/lib/etcd",
    ETCD_ADVERTISE_CLIENT_URLS: `https://${address}:2379`,
    ETCD_LISTEN_CLIENT_URLS: `https://127.0.0.1:2379,https://${address}:2379`,
    ETCD_LISTEN_METRICS_URLS: "http://127.0.0.1:2381",
    ETCD_CERT_FILE: `${pki}/server.crt`,
    ETCD_KEY_FILE: `${pki}/server.key`,
    ETCD_CLIENT_CERT_AUTH: "true",
    ETCD_TRUSTED_CA_FILE: `${pki}/ca.crt`,
    ETCD_INITIAL_ADVERTISE_PEER_URLS: `https://${address}:2380`,
    ETCD_INITIAL_CLUSTER: `${name}=https://${address}:2380`,
    ETCD_LISTEN_PEER_URLS: `https://${address}:2380`,
    ETCD_PEER_CERT_FILE: `${pki}/peer.crt`,
    ETCD_PEER_KEY_FILE: `${pki}/peer.key`,
    ETCD_PEER_CLIENT_CERT_AUTH: "true",
    ETCD_PEER_TRUSTED_CA_FILE: `${pki}/ca.crt`,
    ETCD_SNAPSHOT_COUNT: "10000",
  };
  return Object.entries(variables)
    .map(([variable, value]) => `${variable}=${value}\n`)
    .join("");
}
