import { apiProbe, defineBreak, namespaced, serviceIn, servicePath, setFields, sh } from "kbreak";

export default defineBreak({
  title: "A Service whose port leads to a closed one",
  summary:
    "A port of a Service leads to a port of its pods where nobody listens. The Service has all its endpoints, and its pods are ready, as their probes ask the real port.",
  difficulty: "easy",
  source: "Klustered (Rawkode); bare metal guide",
  needs: { roles: ["control-plane"], target: "cluster", commands: ["nc"] },
  reboot: "survives",
  parameters: {
    type: "object",
    properties: {
      service: {
        type: "string",
        pattern: "^[a-z0-9.-]+/[a-z0-9.-]+$",
        default: "default/web",
        description: "The Service, as namespace/name.",
      },
      port: {
        type: "integer",
        minimum: 1,
        maximum: 65_535,
        default: 80,
        description: "The Service's port; one of TCP.",
      },
      targetPort: {
        type: "integer",
        minimum: 1,
        maximum: 65_535,
        default: 8008,
        description: "The port of its pods, on which none of them listens.",
      },
    },
    additionalProperties: false,
  },
  sees: "Connections to the Service are refused. Its pods are ready, and it has all its endpoints.",
  hints: [
    "The way is right, and ends at a wall.",
    "Ask a pod by its own address and port: it answers.",
    "Compare the port in `kubectl get endpointslices` with containerPort of the pods.",
  ],
  find: ["kubectl get endpointslices", "kubectl get service web -o jsonpath='{.spec.ports}'"],
  fix: ['kubectl patch service web -p \'{"spec":{"ports":[{"port":80,"targetPort":8080}]}}\''],
  metric: "probe_success of a blackbox probe through the Service, beside pods that are ready.",
  prevention: "Give the pods' ports names, and use these as targetPort.",
  asks: ({ service }) => [servicePath(service)],
  refusal({ service, port, targetPort }, facts) {
    const found = serviceIn(service, facts)?.ports.find((one) => one.port === port);
    if (found?.protocol !== "TCP") return `there is no Service ${service} with the TCP port ${port}`;
    return found.targetPort === targetPort ? `it leads to ${targetPort} already` : undefined;
  },
  operations: ({ service, port, targetPort }) => [
    setFields(`service/${service}`, { [`spec.ports[port=${port}].targetPort`]: targetPort }),
  ],
  symptom({ service, port }) {
    const { namespace, name } = namespaced(service);
    return apiProbe(
      `the Service ${service} refuses connections to port ${port}, and has endpoints`,
      sh`address=$(object_get ${namespace} service ${name} 'jsonpath={.spec.clusterIP}') && [ -n "$address" ] || exit 2
found=$(administer get endpointslices --namespace ${namespace} --selector ${`kubernetes.io/service-name=${name}`} -o 'jsonpath={.items[*].endpoints[*].addresses}') && [ -n "$found" ] || exit 2
answer=$(nc -n -v -z -w 3 "$address" ${port} 2>&1) && exit 1
case $answer in *refused*) exit 0 ;; *) echo "$answer" >&2; exit 2 ;; esac`,
    );
  },
});
