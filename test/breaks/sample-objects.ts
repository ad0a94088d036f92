const web = {
  metadata: { name: "web" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: { spec: { containers: [{ name: "web", image: "web:v1" }] } },
  },
};

const node = (name: string, taints: readonly object[]) => ({
  metadata: { name, labels: { "kubernetes.io/hostname": name } },
  spec: { taints },
  status: {
    allocatable: { cpu: "2" },
    images: [{ names: ["registry.k8s.io/pause:3.10.2"] }, { names: ["docker.io/library/busybox:1"] }],
  },
});

/** What the API of the lab's cluster says to the paths that breaks ask for, no more of it than they look at. */
export const sampleObjects: Readonly<Record<string, unknown>> = {
  "/apis/apps/v1/namespaces/default/deployments/web": web,
  "/apis/apps/v1/daemonsets": { items: [{ metadata: { name: "calico-node" } }] },
  "/api/v1/nodes": {
    items: [
      node("cp1", [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }]),
      node("w1", []),
    ],
  },
  "/api/v1/pods": {
    items: [
      {
        spec: { nodeName: "w1", containers: [{ resources: { requests: { cpu: "100m" } } }] },
        status: { phase: "Running" },
      },
    ],
  },
  "/api/v1/namespaces/default/services/web": {
    spec: { selector: { app: "web" }, ports: [{ port: 80, protocol: "TCP", targetPort: 8080 }] },
  },
  "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes": {
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.77.0.11"] }],
  },
  "/api/v1/namespaces/kube-system/configmaps/coredns": {
    data: {
      Corefile:
        ".:53 {\n    kubernetes cluster.local\n    forward . /etc/resolv.conf\n    loop\n    reload\n}\n",
    },
  },
};
