import { apiProbe, createObject, defineBreak, namespaced, serviceIn, servicePath, sh } from "kbreak";

/** The API server's own addresses, which every cluster has, and which serve nothing on an application's port. */
const ELSEWHERE = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes";

interface Slice {
  readonly addressType: string;
  readonly endpoints: readonly { readonly addresses: readonly string[] }[];
}

export default defineBreak({
  title: "One endpoint too many",
  summary:
    "A second EndpointSlice says that it belongs to a Service, and has the address of a host that is none of its pods. So a part of all connections goes there. No controller removes it, as none has made it.",
  difficulty: "hard",
  source: "Klustered (Rawkode), after its Services that were tampered with",
  needs: { roles: ["control-plane"], target: "cluster" },
  reboot: "survives",
  parameters: {
    type: "object",
    properties: {
      service: {
        type: "string",
        pattern: "^[a-z0-9.-]+/[a-z0-9.-]+$",
        default: "default/web",
        description: "The Service, as namespace/name; one with a selector.",
      },
      name: {
        type: "string",
        pattern: "^[a-z0-9][a-z0-9-]*$",
        default: "web-x7k2p",
        description: "Name of the EndpointSlice; the real ones end with five letters.",
      },
      port: {
        type: "integer",
        minimum: 1,
        maximum: 65_535,
        default: 8080,
        description: "The port of the API server's host that connections to the Service's first port go to.",
      },
    },
    additionalProperties: false,
  },
  sees: "Every third connection to the Service is refused, whoever asks. Each pod answers when it is asked itself.",
  hints: [
    "It works. It works. It does not. It works.",
    "Count the pods, and count who is asked.",
    "`kubectl get endpointslices -l kubernetes.io/service-name=web`: an address too many.",
  ],
  find: ["kubectl get endpointslices -l kubernetes.io/service-name=web", "kubectl get pods -o wide"],
  fix: ["kubectl delete endpointslice {name}"],
  metric: "kube_endpointslice_endpoints of a Service beside kube_deployment_status_replicas_ready.",
  prevention: "Give rights to write EndpointSlices to nobody but the controllers.",
  asks: ({ service }) => [servicePath(service), ELSEWHERE],
  refusal({ service }, facts) {
    const found = serviceIn(service, facts);
    if (found === undefined) return `there is no Service ${service}`;
    if (Object.keys(found.selector).length === 0) return `the Service ${service} has no selector`;
    return facts.objects[ELSEWHERE] ? undefined : "there is no EndpointSlice default/kubernetes";
  },
  operations({ service, name, port }, facts) {
    const { namespace, name: of } = namespaced(service);
    const { addressType, endpoints } = facts.objects[ELSEWHERE] as Slice;
    const addresses = endpoints.flatMap((one) => one.addresses).slice(0, 1);
    const first = serviceIn(service, facts)?.ports[0];
    return [
      createObject({
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name, namespace, labels: { "kubernetes.io/service-name": of } },
        addressType,
        endpoints: [{ addresses, conditions: { ready: true } }],
        ports: [{ name: first?.name ?? "", protocol: first?.protocol ?? "TCP", port }],
      }),
    ];
  },
  symptom({ service }, facts) {
    const { namespace = "", name = "", selector = {} } = serviceIn(service, facts) ?? {};
    const labels = Object.entries(selector).map(([key, value]) => `${key}=${value}`);
    return apiProbe(
      `the Service ${service} has an endpoint that is none of its pods`,
      sh`pods=$(administer get pods --namespace ${namespace} --selector ${labels.join(",")} -o 'jsonpath={.items[*].status.podIPs[*].ip}') || exit 2
found=$(administer get endpointslices --namespace ${namespace} --selector ${`kubernetes.io/service-name=${name}`} -o 'jsonpath={.items[*].endpoints[*].addresses[*]}') || exit 2
for one in $found; do case " $pods " in *" $one "*) ;; *) exit 0 ;; esac; done
exit 1`,
    );
  },
});
