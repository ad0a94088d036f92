const version = "v1.34.2";
const etcdImage = "registry.k8s.io/etcd:3.6.5-0";

interface Probe {
  readonly host: string;
  readonly path: string;
  readonly scheme: "HTTP" | "HTTPS";
}

interface StaticPod {
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly image: string;
  readonly port: number;
  readonly liveness: Probe;
  readonly readiness?: Probe;
  readonly startup: Probe;
  readonly requests: Readonly<Record<string, string>>;
  /** Name, path, whether it is read-only in the container, and its hostPath type. */
  readonly volumes: readonly (readonly [name: string, path: string, readOnly: boolean, type: string])[];
}

type ProbeTimes = Readonly<Record<"failureThreshold" | "initialDelaySeconds" | "periodSeconds", number>>;

function probe(kind: string, { host, path, scheme }: Probe, times: Partial<ProbeTimes>): readonly string[] {
  const line = (name: keyof ProbeTimes) =>
    times[name] === undefined ? [] : [`      ${name}: ${times[name]}`];
  return [
    `    ${kind}:`,
    ...line("failureThreshold"),
    "      httpGet:",
    `        host: ${host}`,
    `        path: ${path}`,
    "        port: probe-port",
    `        scheme: ${scheme}`,
    ...line("initialDelaySeconds"),
    ...line("periodSeconds"),
    "      timeoutSeconds: 15",
  ];
}

function staticPod(pod: StaticPod): string {
  const annotations = Object.entries(pod.annotations ?? {});
  return `${[
    "apiVersion: v1",
    "kind: Pod",
    "metadata:",
    ...(annotations.length === 0 ? [] : ["  annotations:"]),
    ...annotations.map(([key, value]) => `    ${key}: ${value}`),
    "  labels:",
    `    component: ${pod.name}`,
    "    tier: control-plane",
    `  name: ${pod.name}`,
    "  namespace: kube-system",
    "spec:",
    "  containers:",
    "  - command:",
    ...pod.command.map((word) => `    - ${word}`),
    `    image: ${pod.image}`,
    "    imagePullPolicy: IfNotPresent",
    ...probe("livenessProbe", pod.liveness, {
      failureThreshold: 8,
      initialDelaySeconds: 10,
      periodSeconds: 10,
    }),
    `    name: ${pod.name}`,
    "    ports:",
    `    - containerPort: ${pod.port}`,
    "      name: probe-port",
    "      protocol: TCP",
    ...(pod.readiness === undefined
      ? []
      : probe("readinessProbe", pod.readiness, { failureThreshold: 3, periodSeconds: 1 })),
    "    resources:",
    "      requests:",
    ...Object.entries(pod.requests).map(([key, value]) => `        ${key}: ${value}`),
    ...probe("startupProbe", pod.startup, {
      failureThreshold: 24,
      initialDelaySeconds: 10,
      periodSeconds: 10,
    }),
    "    volumeMounts:",
    ...pod.volumes.flatMap(([name, path, readOnly]) => [
      `    - mountPath: ${path}`,
      `      name: ${name}`,
      ...(readOnly ? ["      readOnly: true"] : []),
    ]),
    "  hostNetwork: true",
    "  priority: 2000001000",
    "  priorityClassName: system-node-critical",
    "  securityContext:",
    "    seccompProfile:",
    "      type: RuntimeDefault",
    "  volumes:",
    ...pod.volumes.flatMap(([name, path, , type]) => [
      "  - hostPath:",
      `      path: ${path}`,
      `      type: ${type}`,
      `    name: ${name}`,
    ]),
    "status: {}",
  ].join("\n")}\n`;
}

const certificateVolumes = [
  ["ca-certs", "/etc/ssl/certs", true, "DirectoryOrCreate"],
  ["etc-ca-certificates", "/etc/ca-certificates", true, "DirectoryOrCreate"],
  ["k8s-certs", "/etc/kubernetes/pki", true, "DirectoryOrCreate"],
  ["usr-local-share-ca-certificates", "/usr/local/share/ca-certificates", true, "DirectoryOrCreate"],
  ["usr-share-ca-certificates", "/usr/share/ca-certificates", true, "DirectoryOrCreate"],
] as const;

const pki = "/etc/kubernetes/pki";

function apiServer(address: string): string {
  const at = (path: string): Probe => ({ host: address, path, scheme: "HTTPS" });
  return staticPod({
    name: "kube-apiserver",
    annotations: { "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint": `${address}:6443` },
    command: [
      "kube-apiserver",
      `--advertise-address=${address}`,
      "--allow-privileged=true",
      "--authorization-mode=Node,RBAC",
      `--client-ca-file=${pki}/ca.crt`,
      "--enable-admission-plugins=NodeRestriction",
      "--enable-bootstrap-token-auth=true",
      `--etcd-cafile=${pki}/etcd/ca.crt`,
      `--etcd-certfile=${pki}/apiserver-etcd-client.crt`,
      `--etcd-keyfile=${pki}/apiserver-etcd-client.key`,
      "--etcd-servers=https://127.0.0.1:2379",
      `--kubelet-client-certificate=${pki}/apiserver-kubelet-client.crt`,
      `--kubelet-client-key=${pki}/apiserver-kubelet-client.key`,
      "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
      `--proxy-client-cert-file=${pki}/front-proxy-client.crt`,
      `--proxy-client-key-file=${pki}/front-proxy-client.key`,
      "--requestheader-allowed-names=front-proxy-client",
      `--requestheader-client-ca-file=${pki}/front-proxy-ca.crt`,
      "--requestheader-extra-headers-prefix=X-Remote-Extra-",
      "--requestheader-group-headers=X-Remote-Group",
      "--requestheader-username-headers=X-Remote-User",
      "--secure-port=6443",
      "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
      `--service-account-key-file=${pki}/sa.pub`,
      `--service-account-signing-key-file=${pki}/sa.key`,
      "--service-cluster-ip-range=10.96.0.0/12",
      `--tls-cert-file=${pki}/apiserver.crt`,
      `--tls-private-key-file=${pki}/apiserver.key`,
    ],
    image: `registry.k8s.io/kube-apiserver:${version}`,
    port: 6443,
    liveness: at("/livez"),
    readiness: at("/readyz"),
    startup: at("/livez"),
    requests: { cpu: "250m" },
    volumes: certificateVolumes,
  });
}

function controllerManager(): string {
  const healthz: Probe = { host: "127.0.0.1", path: "/healthz", scheme: "HTTPS" };
  const config = "/etc/kubernetes/controller-manager.conf";
  const [caCerts, etcCaCertificates, k8sCerts, ...others] = certificateVolumes;
  return staticPod({
    name: "kube-controller-manager",
    command: [
      "kube-controller-manager",
      "--allocate-node-cidrs=true",
      `--authentication-kubeconfig=${config}`,
      `--authorization-kubeconfig=${config}`,
      "--bind-address=127.0.0.1",
      `--client-ca-file=${pki}/ca.crt`,
      "--cluster-cidr=10.244.0.0/16",
      "--cluster-name=kubernetes",
      `--cluster-signing-cert-file=${pki}/ca.crt`,
      `--cluster-signing-key-file=${pki}/ca.key`,
      "--controllers=*,bootstrapsigner,tokencleaner",
      `--kubeconfig=${config}`,
      "--leader-elect=true",
      `--requestheader-client-ca-file=${pki}/front-proxy-ca.crt`,
      `--root-ca-file=${pki}/ca.crt`,
      `--service-account-private-key-file=${pki}/sa.key`,
      "--service-cluster-ip-range=10.96.0.0/12",
      "--use-service-account-credentials=true",
    ],
    image: `registry.k8s.io/kube-controller-manager:${version}`,
    port: 10257,
    liveness: healthz,
    startup: healthz,
    requests: { cpu: "200m" },
    volumes: [
      caCerts,
      etcCaCertificates,
      ["flexvolume-dir", "/usr/libexec/kubernetes/kubelet-plugins/volume/exec", false, "DirectoryOrCreate"],
      k8sCerts,
      ["kubeconfig", config, true, "FileOrCreate"],
      ...others,
    ],
  });
}

function scheduler(): string {
  const at = (path: string): Probe => ({ host: "127.0.0.1", path, scheme: "HTTPS" });
  const config = "/etc/kubernetes/scheduler.conf";
  return staticPod({
    name: "kube-scheduler",
    command: [
      "kube-scheduler",
      `--authentication-kubeconfig=${config}`,
      `--authorization-kubeconfig=${config}`,
      "--bind-address=127.0.0.1",
      `--kubeconfig=${config}`,
      "--leader-elect=true",
    ],
    image: `registry.k8s.io/kube-scheduler:${version}`,
    port: 10259,
    liveness: at("/livez"),
    readiness: at("/readyz"),
    startup: at("/livez"),
    requests: { cpu: "100m" },
    volumes: [["kubeconfig", config, true, "FileOrCreate"]],
  });
}

function etcd(name: string, address: string): string {
  const at = (path: string): Probe => ({ host: "127.0.0.1", path, scheme: "HTTP" });
  const client = `https://${address}:2379`;
  const peer = `https://${address}:2380`;
  return staticPod({
    name: "etcd",
    annotations: { "kubeadm.kubernetes.io/etcd.advertise-client-urls": client },
    command: [
      "etcd",
      `--advertise-client-urls=${client}`,
      `--cert-file=${pki}/etcd/server.crt`,
      "--client-cert-auth=true",
      "--data-dir=/var/lib/etcd",
      "--feature-gates=InitialCorruptCheck=true",
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=${name}=${peer}`,
      `--key-file=${pki}/etcd/server.key`,
      `--listen-client-urls=https://127.0.0.1:2379,${client}`,
      "--listen-metrics-urls=http://127.0.0.1:2381",
      `--listen-peer-urls=${peer}`,
      `--name=${name}`,
      `--peer-cert-file=${pki}/etcd/peer.crt`,
      "--peer-client-cert-auth=true",
      `--peer-key-file=${pki}/etcd/peer.key`,
      `--peer-trusted-ca-file=${pki}/etcd/ca.crt`,
      "--snapshot-count=10000",
      `--trusted-ca-file=${pki}/etcd/ca.crt`,
      "--watch-progress-notify-interval=5s",
    ],
    image: etcdImage,
    port: 2381,
    liveness: at("/livez"),
    readiness: at("/readyz"),
    startup: at("/readyz"),
    requests: { cpu: "100m", memory: "100Mi" },
    volumes: [
      ["etcd-data", "/var/lib/etcd", false, "DirectoryOrCreate"],
      ["etcd-certs", `${pki}/etcd`, false, "DirectoryOrCreate"],
    ],
  });
}

/** The static pods of a control plane as `kubeadm init` writes them: contents by file name. */
export function manifests(name: string, address: string): Readonly<Record<string, string>> {
  return {
    "etcd.yaml": etcd(name, address),
    "kube-apiserver.yaml": apiServer(address),
    "kube-controller-manager.yaml": controllerManager(),
    "kube-scheduler.yaml": scheduler(),
  };
}
