import { defineBreak, namespaced, serviceIn, servicePath, serviceWithoutEndpoints, setFields } from "kbreak";

/** Two letters change places, which a reader sees last. */
function misspelt(value: string): string {
  const at = [...value].findLastIndex((letter, index) => index > 0 && letter !== value[index - 1]);
  return at < 1
    ? `${value}${value.at(-1) ?? "x"}`
    : `${value.slice(0, at - 1)}${value[at]}${value[at - 1]}${value.slice(at + 1)}`;
}

export default defineBreak({
  title: "A Service that selects nothing",
  summary:
    "One label of a Service's selector is misspelt. The pods are well and the Service is there with its address; it has no endpoints, so every connection is refused.",
  difficulty: "easy",
  source: "Klustered (Rawkode); bare metal guide",
  needs: { roles: ["control-plane"], target: "cluster" },
  reboot: "survives",
  parameters: {
    type: "object",
    properties: {
      service: {
        type: "string",
        pattern: "^[a-z0-9.-]+/[a-z0-9.-]+$",
        default: "default/web",
        description:
          "The Service, as namespace/name. Two letters of its selector's first label change places.",
      },
    },
    additionalProperties: false,
  },
  sees: "The page does not come: connections to the Service are refused, while all its pods are Running and Ready.",
  hints: [
    "Everybody is at home. Does anybody know the address?",
    "How does a Service find its pods?",
    "`kubectl get endpointslices`, then compare `kubectl get service -o wide` with `kubectl get pods --show-labels`.",
  ],
  find: ["kubectl get endpointslices", "kubectl get service web -o jsonpath='{.spec.selector}'"],
  fix: ["kubectl set selector service web app=web"],
  metric: "kube_endpointslice_endpoints of a Service that falls to 0.",
  prevention: "Make labels and selectors from one place; alert on Services without endpoints.",
  asks: ({ service }) => [servicePath(service)],
  refusal({ service }, facts) {
    const found = serviceIn(service, facts);
    if (found === undefined) return `there is no Service ${service}`;
    return Object.keys(found.selector).length === 0 ? `the Service ${service} has no selector` : undefined;
  },
  operations({ service }, facts) {
    const [[label, value] = ["", ""]] = Object.entries(serviceIn(service, facts)?.selector ?? {});
    return [setFields(`service/${service}`, { [`spec.selector["${label}"]`]: misspelt(value) })];
  },
  symptom({ service }) {
    const { namespace, name } = namespaced(service);
    return serviceWithoutEndpoints(namespace, name);
  },
});
